DROP POLICY verifiers_end ON verifiers;
DROP POLICY verifiers_renew ON verifiers;
DROP POLICY verifiers_register ON verifiers;
DROP POLICY verifiers_read ON verifiers;
ALTER TABLE verifiers DISABLE ROW LEVEL SECURITY;
ALTER TABLE verifiers DROP COLUMN owner;
