-- A service keeps its own row, and leaves those of others alone: who deletes another's has revocations acknowledged that
-- the other has not heard of. Everybody sees all rows, whatever rights they were given: whoever waits for verifiers and
-- did not see one would not wait for it. Those that were there before belong to whoever migrates; their verifiers begin anew.
ALTER TABLE verifiers ADD COLUMN owner text NOT NULL DEFAULT current_user;

COMMENT ON COLUMN verifiers.owner IS 'the role that registered it, and alone may renew it';

ALTER TABLE verifiers ENABLE ROW LEVEL SECURITY;
CREATE POLICY verifiers_read ON verifiers FOR SELECT USING (true);
CREATE POLICY verifiers_register ON verifiers FOR INSERT WITH CHECK (owner = current_user);
CREATE POLICY verifiers_renew ON verifiers FOR UPDATE USING (owner = current_user);
-- The auth service takes those off the list that have died. Its role may be created later than this.
CREATE POLICY verifiers_end ON verifiers FOR DELETE
    USING (owner = current_user OR pg_has_role(to_regrole('jeton_auth')::oid, 'USAGE'));
