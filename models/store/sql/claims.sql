-- name: announce
-- Announce a device with the hash of the claim key on its label.
INSERT INTO claim (digest, device_key, profile, region_code, announced_by)
VALUES (:digest, :device_key, :profile, :region_code, :by)
ON CONFLICT DO NOTHING RETURNING device_key;

-- name: open
-- The announced device behind a claim key that nobody has used, held until the end of the
-- transaction: of two who claim at once one waits, and then finds it used.
SELECT * FROM claim WHERE digest = :digest AND claimed IS NULL FOR UPDATE;

-- name: use
-- A claim key has been used.
UPDATE claim SET claimed = now(), claimed_by = :by, device_id = :device_id
WHERE digest = :digest AND claimed IS NULL;

-- name: claims
-- Announced devices of a region by key, used or not.
SELECT * FROM claim
WHERE region_code LIKE :prefix || '%' AND device_key > :after
ORDER BY device_key LIMIT :limit;
