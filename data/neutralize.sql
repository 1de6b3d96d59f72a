-- A copy of the database must neither take the calls of the real one, nor speak to its PBX,
-- nor send mail about it: also when somebody takes a connection from the archive or switches
-- Odoo's jobs on again. Until keys are entered, nobody is asked.
UPDATE pbx_provider
   SET active = FALSE,
       api_key = NULL,
       api_secret = NULL,
       former_secret = NULL,
       former_secret_until = NULL,
       secret_proven = FALSE,
       secret_since = now() AT TIME ZONE 'UTC',
       webhook_token = replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
       -- Whoever connects a copy connects it under the copy's own address.
       external_url = NULL,
       port = NULL,
       connected_url = NULL,
       connected_at = NULL,
       -- After that only a person says that it is connected, and no event of before.
       disconnected_at = now() AT TIME ZONE 'UTC',
       state = 'draft',
       last_error = NULL;
UPDATE pbx_extension SET password = NULL;
DELETE FROM pbx_former_url;
DELETE FROM pbx_subscription;
DELETE FROM pbx_replay;
DELETE FROM pbx_check;

-- What the real one was about to do.
UPDATE pbx_event
   SET state = 'ignored', next_attempt_at = NULL
 WHERE state IN ('pending', 'failed');
UPDATE pbx_history
   SET state = 'stopped', next_attempt_at = NULL
 WHERE state IN ('waiting', 'running');
UPDATE pbx_call SET lead_after = NULL WHERE lead_after IS NOT NULL;
DELETE FROM pbx_chatter;
-- Whoever has such a link hears the recording at the PBX.
UPDATE pbx_recording SET link = NULL, link_until = NULL WHERE link IS NOT NULL;

-- Mail: the report, and what of ours is on its way.
UPDATE res_company SET pbx_report = 'never';
UPDATE mail_mail
   SET state = 'cancel'
 WHERE state IN ('outgoing', 'exception')
   AND (headers = '{''X-Auto-Response-Suppress'': ''OOF''}'
        OR mail_message_id IN (SELECT id FROM mail_message WHERE model LIKE 'pbx.%'));
