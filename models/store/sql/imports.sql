-- name: begin
-- Begin an import of a file.
INSERT INTO import (file, digest, mapping_digest, position, line)
VALUES (:file, :digest, :mapping_digest, :position, :line)
RETURNING *;

-- name: newest
-- The newest import of a file by a mapping.
SELECT * FROM import
WHERE digest = :digest AND mapping_digest = :mapping_digest
ORDER BY id DESC LIMIT 1;

-- name: advance
-- Move an import on from where its process believes it to be.
UPDATE import
SET position = :position, line = :line, state = CAST(:state AS jsonb),
    rows = rows + :rows, stored = stored + :stored, duplicate = duplicate + :duplicate,
    refused = refused + :refused, updated = clock_timestamp()
WHERE id = :id AND position = :before AND finished IS NULL;

-- name: finish
-- An import has come to the end of its file.
UPDATE import SET finished = clock_timestamp() WHERE id = :id;
