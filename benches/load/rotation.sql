-- For pgbench: a rotation by its holder as the server's statements, one durable transaction for each, every client with a
-- token of its own. The value is looked up, its token locked and read, its first use written, the generation moved on, the
-- old value replaced and given its overlap, the new one inserted, and the event appended.
SELECT token.*, value.* FROM api_token AS token LEFT JOIN api_token_value AS value ON value.token_id = token.id
  WHERE token.id IN (SELECT token_id FROM api_token_value
    WHERE hash = sha256((:round::text || '.' || :client_id::text || '.' || :current::text)::bytea))
  AND (value.generation = token.generation OR value.generation = token.previous_generation
    OR value.hash = sha256((:round::text || '.' || :client_id::text || '.' || :current::text)::bytea));
BEGIN;
SELECT * FROM api_token WHERE id = 'tok_' || :round::text || '.' || :client_id::text FOR UPDATE;
SELECT token.*, value.* FROM api_token AS token LEFT JOIN api_token_value AS value ON value.token_id = token.id
  WHERE token.id = 'tok_' || :round::text || '.' || :client_id::text
  AND (value.generation = token.generation OR value.generation = token.previous_generation);
UPDATE api_token_value SET first_used_at = 1, salt = NULL
  WHERE token_id = 'tok_' || :round::text || '.' || :client_id::text AND generation = :current::int
  AND first_used_at IS NULL;
UPDATE api_token SET last_used_at = 1 WHERE id = 'tok_' || :round::text || '.' || :client_id::text;
UPDATE api_token SET generation = :current::int + 1, previous_generation = :current::int
  WHERE id = 'tok_' || :round::text || '.' || :client_id::text AND generation = :current::int AND revoked_at IS NULL;
UPDATE api_token_value SET replaced_at = 1, retires_at = 1, salt = NULL
  WHERE token_id = 'tok_' || :round::text || '.' || :client_id::text AND generation = :current::int;
UPDATE api_token_value SET retires_at = 600000
  WHERE token_id = 'tok_' || :round::text || '.' || :client_id::text AND generation = :current::int;
\set current :current + 1
INSERT INTO api_token_value (token_id, generation, hash, hint, created_at, created_by, overlap_minutes)
  VALUES ('tok_' || :round::text || '.' || :client_id::text, :current::int,
    sha256((:round::text || '.' || :client_id::text || '.' || :current::text)::bytea), 'hint', 1,
    'tok_' || :round::text || '.' || :client_id::text, 10);
INSERT INTO audit_event (id, at, action, result, actor, token_id, generation, address, request_id)
  VALUES ('evt_' || :round::text || '.' || :client_id::text || '.' || :current::text, 1, 'ROTATED', 'OK',
    'tok_' || :round::text || '.' || :client_id::text, 'tok_' || :round::text || '.' || :client_id::text, :current::int,
    '127.0.0.1', 'req_' || :round::text || '.' || :client_id::text || '.' || :current::text);
COMMIT;
