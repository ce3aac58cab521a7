-- The protocol that keeps verifiers' memories coherent with the token table: a log of revocations, the verifiers that
-- have to apply it, and the triggers that write it.

-- A row says: what was known of this digest before this transaction committed is no longer true.
CREATE TABLE revocations (
    xid    xid8  NOT NULL DEFAULT pg_current_xact_id(),
    digest bytea NOT NULL CONSTRAINT revocations_digest_check CHECK (octet_length(digest) IN (0, 32)),
    PRIMARY KEY (xid, digest)
);

-- Whether a token that does not exist was revoked a moment ago.
CREATE INDEX revocations_digest ON revocations (digest);

COMMENT ON COLUMN revocations.xid IS 'the transaction that revoked: a verifier has applied it when its snapshot sees it';
COMMENT ON COLUMN revocations.digest IS 'of a token; empty: every token';

-- The verifiers that may answer from memory. Each renews its row well within its lease. Services have no rights on this
-- table but to read it: they register and renew by the functions below, which say what a row may hold.
--
-- What a snapshot holds is bounded by how many transactions can be open at once: 64 KiB are 8,000.
CREATE TABLE verifiers (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL CONSTRAINT verifiers_name_check CHECK (char_length(name) <= 128),
    version    bigint      NOT NULL DEFAULT 0,
    applied    pg_snapshot NOT NULL DEFAULT pg_current_snapshot()
                           CONSTRAINT verifiers_applied_check CHECK (pg_column_size(applied) <= 65536),
    offered    pg_snapshot NOT NULL DEFAULT pg_current_snapshot()
                           CONSTRAINT verifiers_offered_check CHECK (pg_column_size(offered) <= 65536),
    lease_ms   integer     NOT NULL CONSTRAINT verifiers_lease_ms_check CHECK (lease_ms BETWEEN 100 AND 60000),
    created_at timestamptz NOT NULL DEFAULT now() CONSTRAINT verifiers_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    owner      text        NOT NULL DEFAULT session_user,
    place      smallint    CONSTRAINT verifiers_place_check CHECK (place BETWEEN 1 AND 256),
    CONSTRAINT verifiers_owner_place_unique UNIQUE (owner, place)
) WITH (fillfactor = 50);

COMMENT ON TABLE verifiers IS 'a row may be deleted only by its verifier, or when its version has not moved for a lease';
COMMENT ON COLUMN verifiers.name IS 'for a person to read';
COMMENT ON COLUMN verifiers.version IS 'counts the renewals';
COMMENT ON COLUMN verifiers.applied IS 'all revocations that this snapshot sees have left the verifier''s memory';
COMMENT ON COLUMN verifiers.offered IS 'what it has applied once it has forgotten what the last renewal has told it';
COMMENT ON COLUMN verifiers.lease_ms IS 'how long after a renewal the verifier answers from memory: revokers wait for so long';
COMMENT ON COLUMN verifiers.owner IS 'the role that registered it, and alone may renew it';
COMMENT ON COLUMN verifiers.place IS 'one of as many as a role has; null: registered by hand, and not counted';

-- What is done by one at a time holds a row of these: FOR UPDATE. No advisory locks: any role may hold those.
CREATE TABLE locks (
    name text PRIMARY KEY
);

INSERT INTO locks (name) VALUES ('admins'), ('cleanup');

COMMENT ON TABLE locks IS 'admins: whoever may take the last admin away; cleanup: whoever deletes what nobody needs';

-- Every change that makes a verifier's memory wrong writes the log, whoever makes the change and by whatever means.
--
-- The triggers run as the owner: who may delete a token need not be able to write the log. In a schema where everybody
-- may create objects, anybody could add a function or an operator that fits better than Postgres' own for some type of
-- array, and have it called as the owner. So arrays are compared as text, for which nothing fits better, functions of
-- arrays are called by their schema's name, and temporary objects come last.
SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- A revocation must survive a crash: otherwise some verifiers have applied what was undone, and others have not.
CREATE FUNCTION jeton_commit_durably() RETURNS void
    LANGUAGE plpgsql
    AS $$
        BEGIN
            IF current_setting('synchronous_commit') IN ('off', 'local') THEN
                PERFORM set_config('synchronous_commit', 'on', true);
            END IF;
        END
    $$;

-- Writes the log. For more than 20,000 digests at once a verifier forgets everything anyway: one row says the same as one
-- row for each of them, in a fraction of the time.
CREATE FUNCTION jeton_log_revocations(digests bytea[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
    AS $$
        BEGIN
            IF pg_catalog.cardinality(digests) > 20000 THEN
                digests := ARRAY[''::bytea];
            END IF;
            INSERT INTO revocations (digest) SELECT pg_catalog.unnest(digests) ON CONFLICT DO NOTHING;
            PERFORM jeton_commit_durably();
        END
    $$;

-- A transaction of a stricter isolation does not see tokens that were issued since it began.
CREATE FUNCTION jeton_sees_all() RETURNS boolean
    LANGUAGE sql SET search_path FROM CURRENT
    AS $$ SELECT current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') $$;

CREATE FUNCTION jeton_tokens_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(SELECT digest FROM gone
                -- Apps' tokens expire by the million. One that has been expired for as long as it lived is remembered nowhere:
                -- the cleanup's clock moves no faster than twice as fast as time, so that at least its life has passed.
                WHERE NOT (kind = 'delegated' AND expires_at + (expires_at - created_at)
                    <= (SELECT least(now(), pg_catalog.min(shows)) FROM cleanup_clock))
                LIMIT 20001));
            RETURN NULL;
        END
    $$;

-- A longer life is no revocation: what is remembered ends earlier, and is then looked up again.
CREATE FUNCTION jeton_tokens_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT before.digest
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.digest, before.user_id, before.kind, before.scopes::text, before.client_id, before.grant_id,
                            before.audience)
                        IS DISTINCT FROM (after.digest, after.user_id, after.kind, after.scopes::text, after.client_id,
                            after.grant_id, after.audience)
                    OR coalesce(after.expires_at, 'infinity') < coalesce(before.expires_at, 'infinity')
                    OR (after.idle_ttl_secs IS NOT NULL
                        AND (after.idle_ttl_secs < before.idle_ttl_secs OR before.idle_ttl_secs IS NULL
                            OR after.created_at < before.created_at))
                LIMIT 20001));
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_tokens_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            RETURN NULL;
        END
    $$;

-- A token that is inserted while its user is being changed would be missed: the change does not see the token, and a
-- look-up of the token may still see the user as before. So the insert waits for the change, or the change for the insert.
CREATE FUNCTION jeton_tokens_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM FROM users WHERE id = new.user_id FOR SHARE;
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_users_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            changed uuid[] := ARRAY(
                SELECT before.id
                FROM before LEFT JOIN after ON after.id = before.id
                WHERE (before.username, before.scopes::text, before.disabled_at)
                    IS DISTINCT FROM (after.username, after.scopes::text, after.disabled_at));
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT tokens.digest
                FROM pg_catalog.unnest(changed) AS one (id) JOIN tokens ON tokens.user_id = one.id
                LIMIT 20001));
            IF NOT jeton_sees_all() AND pg_catalog.cardinality(changed) > 0 THEN
                PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- The cascade has deleted and logged the user's tokens already, unless foreign keys are turned off.
CREATE FUNCTION jeton_users_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(
                SELECT tokens.digest FROM gone JOIN tokens ON tokens.user_id = gone.id LIMIT 20001));
            IF NOT jeton_sees_all() AND EXISTS (SELECT FROM gone) THEN
                PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            END IF;
            RETURN NULL;
        END
    $$;

-- Logical replication applies changes row by row, and fires row triggers only. What these log in excess, a verifier
-- looks up once more.
CREATE FUNCTION jeton_tokens_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY[old.digest]);
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_users_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY(SELECT digest FROM tokens WHERE user_id = old.id LIMIT 20001));
            RETURN NULL;
        END
    $$;

-- What a service does, it does by functions that run as the owner of the tables: with rights on a table as a whole it could
-- lock the table, and so keep every revocation waiting; with rights on columns it could write into its own rows what others
-- have to read. Who has signed in is `session_user`, which no `SET ROLE` changes.

-- Puts a verifier on the list that remembers nothing, in place of what it was before it lost its connection; says what it has
-- applied. A role has 256 places, each with a row at the most: a bound that needs no lock that others could hold.
CREATE FUNCTION jeton_register(verifier uuid, before uuid, called text, lease integer) RETURNS pg_snapshot
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            free smallint;
            seen pg_snapshot;
        BEGIN
            -- If a crash could undo this, nobody would wait for a verifier that goes on for the rest of its lease.
            PERFORM jeton_commit_durably();
            DELETE FROM verifiers WHERE id = before AND owner = session_user::text;
            LOOP
                SELECT one INTO free FROM generate_series(1, 256) AS one
                    WHERE NOT EXISTS (SELECT FROM verifiers WHERE owner = session_user::text AND place = one)
                    ORDER BY random() LIMIT 1;
                IF NOT FOUND THEN
                    RAISE check_violation USING CONSTRAINT = 'verifiers_per_role',
                        MESSAGE = 'the role ' || session_user::text || ' has as many verifiers as there may be: 256';
                END IF;
                -- Somebody else of the same role may have taken it meanwhile.
                INSERT INTO verifiers (id, name, lease_ms, owner, place)
                    VALUES (verifier, left(called, 128), lease, session_user::text, free)
                    ON CONFLICT (owner, place) DO NOTHING RETURNING applied INTO seen;
                IF FOUND THEN
                    RETURN seen;
                END IF;
            END LOOP;
        END
    $$;

-- Says that a verifier has forgotten what its last renewal has told it, which is named by the snapshot that came with it, and
-- tells what was revoked since: of more than 20,000, one more than those. `dropped`: what it has forgotten besides, and keeps
-- nothing of until it has the answer. Where that is all there is to tell, it has applied that as well. `moved`: nothing, since
-- it has registered in another session. What it has applied is what the server says and nothing else, so that a row is never
-- longer than the server makes it, and no verifier goes on renewing without applying.
CREATE FUNCTION jeton_renew(verifier uuid, registered_in uuid, forgotten pg_snapshot, dropped bytea[],
        OUT renewed boolean, OUT moved boolean, OUT seen pg_snapshot, OUT digests bytea[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        DECLARE
            open xid8[] := string_to_array(split_part(forgotten::text, ':', 3), ',')::xid8[];
        BEGIN
            -- Should a crash undo the renewal, the verifier would only be waited for longer: no need to wait for the disk.
            PERFORM set_config('synchronous_commit', 'off', true);
            moved := nullif(current_setting('jeton.session', true), '')::uuid IS DISTINCT FROM registered_in;
            seen := pg_current_snapshot();
            -- What `seen` sees, although it is read later: the log keeps what a row has not applied. In two parts that an index
            -- answers, as in `revocations::UNAPPLIED`.
            digests := ARRAY(
                SELECT r.digest FROM revocations AS r
                    WHERE r.xid >= pg_snapshot_xmax(forgotten) AND r.xid < pg_snapshot_xmax(seen)
                        AND pg_visible_in_snapshot(r.xid, seen)
                UNION ALL
                SELECT r.digest FROM revocations AS r WHERE r.xid = ANY (open) AND pg_visible_in_snapshot(r.xid, seen)
                LIMIT 20001);
            IF pg_catalog.cardinality(digests) <= 20000 AND digests OPERATOR(pg_catalog.<@) dropped THEN
                digests := '{}';
            END IF;
            UPDATE verifiers SET version = version + 1, offered = seen,
                    applied = CASE WHEN pg_catalog.cardinality(digests) = 0 THEN seen ELSE offered END
                WHERE id = verifier AND owner = session_user::text AND NOT moved AND offered::text = forgotten::text;
            renewed := FOUND;
            IF NOT renewed THEN
                digests := '{}';
            END IF;
        END
    $$;

-- Takes a verifier off the list that has stopped answering from memory.
CREATE FUNCTION jeton_deregister(verifier uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            DELETE FROM verifiers WHERE id = verifier AND owner = session_user::text;
        END
    $$;

-- Takes those off the list that have not renewed since they were seen with these versions, for whoever was served by this
-- session all the while; for the auth service. A row that somebody holds stays for the next time: its role may hold it for as
-- long as it likes, and nobody waits for that.
CREATE FUNCTION jeton_remove_expired(ids uuid[], versions bigint[], seen_in uuid)
        RETURNS TABLE (removed uuid, called text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            RETURN QUERY
                WITH dead AS (
                    SELECT v.id FROM unnest(ids, versions) AS seen (id, version) JOIN verifiers AS v USING (id, version)
                        WHERE nullif(current_setting('jeton.session', true), '')::uuid = seen_in
                        FOR UPDATE OF v SKIP LOCKED)
                DELETE FROM verifiers AS v USING dead WHERE v.id = dead.id RETURNING v.id, v.name;
        END
    $$;

-- Notes that tokens were used, so many seconds ago each, to the minute. What is noted only rises, never beyond now, and never
-- before the token was issued; what lies in the future, since the clock was put back, is put right.
CREATE FUNCTION jeton_note_uses(ids uuid[], ages double precision[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            -- Nobody minds when a crash takes a note away.
            PERFORM set_config('synchronous_commit', 'off', true);
            -- In order, so that two of one role wait for each other and never in a circle.
            INSERT INTO token_uses AS known (token_id, last_used_at, owner)
                SELECT t.id,
                        date_trunc('minute', greatest(t.created_at, now() - make_interval(secs => min(greatest(u.age, 0))))),
                        session_user::text
                    FROM unnest(ids, ages) AS u (id, age) JOIN tokens AS t ON t.id = u.id
                    WHERE t.created_at <= now()
                    GROUP BY t.id ORDER BY t.id
                ON CONFLICT (token_id, owner) DO UPDATE SET last_used_at = excluded.last_used_at
                    WHERE known.last_used_at < excluded.last_used_at OR known.last_used_at > clock_timestamp();
        END
    $$;

-- Who may execute a trigger function may put it on a table of their own, and write the log.
REVOKE EXECUTE ON FUNCTION jeton_commit_durably, jeton_log_revocations, jeton_sees_all, jeton_tokens_deleted, jeton_tokens_updated,
    jeton_tokens_truncated, jeton_tokens_inserted, jeton_tokens_replicated, jeton_users_updated, jeton_users_deleted,
    jeton_users_replicated, jeton_register, jeton_renew, jeton_deregister, jeton_remove_expired, jeton_note_uses FROM PUBLIC;

CREATE TRIGGER tokens_deleted AFTER DELETE ON tokens
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_deleted();

CREATE TRIGGER tokens_updated AFTER UPDATE ON tokens
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_updated();

CREATE TRIGGER tokens_truncated AFTER TRUNCATE ON tokens
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_tokens_truncated();

CREATE TRIGGER tokens_inserted AFTER INSERT OR UPDATE OF user_id ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_inserted();

CREATE TRIGGER users_updated AFTER UPDATE ON users
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_updated();

CREATE TRIGGER users_deleted AFTER DELETE ON users
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_users_deleted();

CREATE TRIGGER tokens_replicated AFTER UPDATE OR DELETE ON tokens
    FOR EACH ROW EXECUTE FUNCTION jeton_tokens_replicated();

CREATE TRIGGER users_replicated AFTER UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION jeton_users_replicated();

-- Always: in restores as well, where session_replication_role = replica turns ordinary triggers off.
-- Replica: then only, since the statement triggers do the work otherwise.
ALTER TABLE tokens
    ENABLE ALWAYS TRIGGER tokens_deleted,
    ENABLE ALWAYS TRIGGER tokens_updated,
    ENABLE ALWAYS TRIGGER tokens_truncated,
    ENABLE ALWAYS TRIGGER tokens_inserted,
    ENABLE REPLICA TRIGGER tokens_replicated;
ALTER TABLE users
    ENABLE ALWAYS TRIGGER users_updated,
    ENABLE ALWAYS TRIGGER users_deleted,
    ENABLE REPLICA TRIGGER users_replicated;
