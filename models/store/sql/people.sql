-- name: add_person
-- Open an account.
INSERT INTO person (login, password_hash, name_zh, name_en, role, region_code)
VALUES (:login, :password_hash, :name_zh, :name_en, :role, :region_code)
ON CONFLICT (login) DO NOTHING RETURNING *;

-- name: by_login
-- An active account by its login.
SELECT * FROM person WHERE login = :login AND active;

-- name: keep_token
-- Keep the digest of a fresh token.
INSERT INTO token (digest, person_id, expires) VALUES (:digest, :person_id, :expires);

-- name: by_token
-- The active account that an unexpired token belongs to.
SELECT p.* FROM token t JOIN person p ON p.id = t.person_id
WHERE t.digest = :digest AND t.expires > now() AND p.active;

-- name: drop_token
-- Revoke a token, and forget those that have expired.
DELETE FROM token WHERE digest = :digest OR expires < now();
