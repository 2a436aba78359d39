-- What people hold is read apart from themselves: its changes carry a number of their own.
-- Blocks kept until now say nothing of it, and are written anew.

ALTER TABLE volunteers ADD COLUMN held_revision BIGINT NOT NULL DEFAULT 0;
DELETE FROM pool_blocks;

CREATE OR REPLACE FUNCTION stamp_volunteer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := pg_current_xact_id()::text::bigint;
  IF TG_OP = 'INSERT' OR NEW.held_revision < 0
    OR (NEW.area, NEW.status) IS DISTINCT FROM (OLD.area, OLD.status) THEN
    NEW.held_revision := NEW.revision;
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION stamp_holders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE holders bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM after_it;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM before_it;
  ELSE
    SELECT array_agg(DISTINCT volunteer_id) INTO holders
    FROM (SELECT volunteer_id FROM before_it UNION ALL SELECT volunteer_id FROM after_it) AS both_of_them;
  END IF;
  -- In order, so that no two transactions wait for each other; who was stamped by this one stays untouched.
  WITH late AS (
    SELECT id FROM volunteers
    WHERE id = ANY(holders) AND held_revision <> pg_current_xact_id()::text::bigint
    ORDER BY id FOR NO KEY UPDATE
  )
  UPDATE volunteers SET revision = 0, held_revision = -1 WHERE id IN (SELECT id FROM late);
  RETURN NULL;
END $$;
