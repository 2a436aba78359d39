"""One answer by link as one statement, written by hand for pgbench: the least there is to do.

It leaves the same rows as the program: the place or the number in the line, the offer, duty, event, the
question taken back and the confirmation queued, and the lines of the trail. What the confirmation says it
copies from the question. It judges nothing but whether a place is free: no clash of times, no drill that
makes way, no other answer than yes.
"""

from __future__ import annotations

SCRIPT = r"""\set turn :turn + 1
\set n :first + :client_id + :clients * :turn
WITH due AS MATERIALIZED (
  SELECT o.id, o.public_id, o.volunteer_id, o.slot_id, o.callout_id, o.area, o.version, c.incident_id,
         upper(o.during) AS ends_at, now() AS at
  FROM offers o JOIN callouts c ON c.id = o.callout_id
  WHERE o.token_hash = (SELECT token FROM answers_due WHERE n = :n) AND o.state = 'asked'
    AND c.state IN ('sending', 'open', 'met') AND o.expires_at > now()
  FOR NO KEY UPDATE OF o
), person AS MATERIALIZED (
  SELECT pg_advisory_xact_lock(hashtextextended('promise ' || volunteer_id, 0)) FROM due
), place AS (
  UPDATE slot_fills f SET filled = least(f.filled + 1, f.maximum),
         line = f.line + CASE WHEN f.filled < f.maximum THEN 0 ELSE 1 END
  FROM due, person WHERE (f.slot_id, f.callout_id) = (due.slot_id, due.callout_id)
  RETURNING old.filled AS before, new.filled AS after, new.line AS line, new.filled > old.filled AS placed
), answered AS (
  UPDATE offers o SET state = CASE WHEN place.placed THEN 'accepted' ELSE 'standing_by' END,
         position = CASE WHEN place.placed THEN NULL ELSE place.line END,
         held_since = CASE WHEN place.placed THEN due.at END,
         minutes_there = 30, answered_at = due.at, seen_at = due.at, ack_version = due.version
  FROM due, place WHERE o.id = due.id
  RETURNING o.id, o.state, o.held_since, o.position, o.ack_version
), duty AS (
  INSERT INTO duties (public_id, offer_id, volunteer_id, incident_id, area, code_hash, state)
  SELECT uuidv7(), due.id, due.volunteer_id, due.incident_id, due.area,
         sha256(convert_to(due.public_id || 'code', 'UTF8')), 'expected'
  FROM due, place WHERE place.placed
  RETURNING id, public_id, offer_id, volunteer_id, incident_id, area, state
), event AS (
  INSERT INTO answer_events (offer_id, at, kind, data)
  SELECT due.id, due.at, 'accept', jsonb_build_object('minutes_there', 30, 'state', answered.state)
  FROM due, answered
  RETURNING id, offer_id, at, kind, data
), ended AS (
  UPDATE messages m SET state = 'cancelled', lease_until = NULL
  FROM due WHERE m.subject_kind = 'offer' AND m.subject_id = due.id AND m.state IN ('queued', 'sending')
  RETURNING m.channel, m.contact_id, m.lang, m.kind, m.params
), told AS (
  INSERT INTO messages (public_id, area, purpose, subject_kind, subject_id, volunteer_id, contact_id, channel,
                        lang, kind, params, dedupe_key, state, attempts, created_at, next_at, expires_at)
  SELECT uuidv7(), due.area, answered.state, 'offer', due.id, due.volunteer_id, ended.contact_id,
         ended.channel, ended.lang, ended.kind, ended.params,
         concat('offer', chr(58), due.id, chr(58), answered.state, chr(58), extract(epoch FROM due.at)),
         'queued', 0, due.at, due.at, due.ends_at
  FROM due, answered, ended
  ON CONFLICT (dedupe_key) DO NOTHING
), changes AS (
  SELECT 'slot_fills' AS name, concat(due.slot_id, '/', due.callout_id) AS row_id, 'update' AS op,
         jsonb_build_object('filled', jsonb_build_array(place.before, place.after)) AS what
  FROM due, place
  UNION ALL
  SELECT 'offers', CAST(id AS text), 'update',
         jsonb_build_object('state', jsonb_build_array('asked', state),
           'held_since', jsonb_build_array(NULL, held_since), 'position', jsonb_build_array(NULL, position),
           'minutes_there', jsonb_build_array(NULL, 30), 'answered_at', jsonb_build_array(NULL, now()),
           'seen_at', jsonb_build_array(NULL, now()), 'ack_version', jsonb_build_array(NULL, ack_version))
  FROM answered
  UNION ALL
  SELECT 'duties', CAST(id AS text), 'insert',
         jsonb_build_object('id', jsonb_build_array(NULL, id),
           'public_id', jsonb_build_array(NULL, public_id),
           'offer_id', jsonb_build_array(NULL, offer_id), 'area', jsonb_build_array(NULL, area),
           'volunteer_id', jsonb_build_array(NULL, volunteer_id),
           'incident_id', jsonb_build_array(NULL, incident_id),
           'code_hash', jsonb_build_array(NULL, '[hidden]'), 'state', jsonb_build_array(NULL, state))
  FROM duty
  UNION ALL
  SELECT 'answer_events', CAST(id AS text), 'insert',
         jsonb_build_object('id', jsonb_build_array(NULL, id), 'offer_id', jsonb_build_array(NULL, offer_id),
           'at', jsonb_build_array(NULL, at), 'kind', jsonb_build_array(NULL, kind),
           'data', jsonb_build_array(NULL, data))
  FROM event
), lines AS (
  INSERT INTO audit_lines (at, actor_kind, actor_id, action, table_name, row_id, area, op, changes)
  SELECT due.at, 'volunteer', due.volunteer_id, 'offer.answer', name, row_id, due.area, op, what
  FROM due, changes
  RETURNING id
)
INSERT INTO audit_pending (line_id) SELECT id FROM lines;
"""
