-- A copy of the database must neither take the calls of the real one nor speak to its PBX.
UPDATE pbx_provider
   SET active = FALSE,
       api_key = NULL,
       api_secret = NULL,
       webhook_token = md5(random()::text || id::text || clock_timestamp()::text);
UPDATE pbx_provider
   SET former_secret = NULL, former_secret_until = NULL, connected_url = NULL,
       connected_at = NULL, state = 'draft';
DELETE FROM pbx_former_url;
DELETE FROM pbx_subscription;
UPDATE pbx_extension SET password = NULL;
