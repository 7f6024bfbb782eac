-- A database of schema 0001, as `sqlite3 memproxy.db .dump` gives it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE api_key (
	id VARCHAR NOT NULL, 
	tenant_id VARCHAR NOT NULL, 
	digest BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	entity_id VARCHAR, 
	process_id VARCHAR, 
	recall_scope VARCHAR, 
	revoked_at BIGINT, 
	PRIMARY KEY (id)
);
CREATE TABLE category (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
CREATE TABLE entity (
	tenant_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	version BIGINT NOT NULL, 
	numbers INTEGER NOT NULL, 
	PRIMARY KEY (tenant_id, id)
);
INSERT INTO "entity" VALUES('acme','alice',1795269466439287,1795269466440,5);
INSERT INTO "entity" VALUES('acme','bob',1795269466447101,1795269466448,5);
INSERT INTO "entity" VALUES('globex','alice',1795269466456992,1795269466457,5);
CREATE TABLE event (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	fact_id VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	reason TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
INSERT INTO "event" VALUES('acme','alice','e1','fact-1','created','said by the person',NULL,'Lives in Berlin',1767268800000000);
INSERT INTO "event" VALUES('acme','bob','e1','fact-1','created','said by the person',NULL,'Lives in Berlin',1767268800000000);
INSERT INTO "event" VALUES('globex','alice','e1','fact-1','created','said by the person',NULL,'Lives in Berlin',1767268800000000);
CREATE TABLE fact (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	number INTEGER NOT NULL, 
	version BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	tokens INTEGER NOT NULL, 
	first_seen BIGINT NOT NULL, 
	last_seen BIGINT NOT NULL, 
	embedding BLOB, 
	model VARCHAR, 
	attribute VARCHAR, 
	value TEXT, 
	speaker VARCHAR, 
	role VARCHAR NOT NULL, 
	process_id VARCHAR, 
	mentions INTEGER NOT NULL, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	superseded_by VARCHAR, 
	confidence FLOAT NOT NULL, 
	expires_at BIGINT, 
	pinned BOOLEAN NOT NULL, 
	meta TEXT, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
INSERT INTO "fact" VALUES('acme','alice','fact-1',1,1795269466440,'profile','superseded','Lives in Berlin',3,1767268800000000,1767268800000000,X'0001020304050607','m','home','berlin',NULL,'user',NULL,1,NULL,NULL,'fact-2',1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-2',2,1795269466440,'profile','current','Lives in Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,'home','lisbon',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,1,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-3',3,1795269466440,'episode','current','Hi, I moved to Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-4',4,1795269466440,'preference','forgotten','',3,1767268800000000,1767268800000000,NULL,NULL,'likes',NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-5',5,1795269466440,'preference','current','Likes Ümlaute',3,1767268800000000,1767268800000000,NULL,NULL,'likes','ümlaute',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,'{"a":"b"}');
INSERT INTO "fact" VALUES('acme','bob','fact-1',1,1795269466448,'profile','superseded','Lives in Berlin',3,1767268800000000,1767268800000000,X'0001020304050607','m','home','berlin',NULL,'user',NULL,1,NULL,NULL,'fact-2',1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','bob','fact-2',2,1795269466448,'profile','current','Lives in Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,'home','lisbon',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,1,NULL);
INSERT INTO "fact" VALUES('acme','bob','fact-3',3,1795269466448,'episode','current','Hi, I moved to Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','bob','fact-4',4,1795269466448,'preference','forgotten','',3,1767268800000000,1767268800000000,NULL,NULL,'likes',NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','bob','fact-5',5,1795269466448,'preference','current','Likes Ümlaute',3,1767268800000000,1767268800000000,NULL,NULL,'likes','ümlaute',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,'{"a":"b"}');
INSERT INTO "fact" VALUES('globex','alice','fact-1',1,1795269466457,'profile','superseded','Lives in Berlin',3,1767268800000000,1767268800000000,X'0001020304050607','m','home','berlin',NULL,'user',NULL,1,NULL,NULL,'fact-2',1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('globex','alice','fact-2',2,1795269466457,'profile','current','Lives in Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,'home','lisbon',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,1,NULL);
INSERT INTO "fact" VALUES('globex','alice','fact-3',3,1795269466457,'episode','current','Hi, I moved to Lisbon',3,1767268800000000,1767268800000000,NULL,NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('globex','alice','fact-4',4,1795269466457,'preference','forgotten','',3,1767268800000000,1767268800000000,NULL,NULL,'likes',NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL);
INSERT INTO "fact" VALUES('globex','alice','fact-5',5,1795269466457,'preference','current','Likes Ümlaute',3,1767268800000000,1767268800000000,NULL,NULL,'likes','ümlaute',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,'{"a":"b"}');
CREATE TABLE fact_mention (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	fact_id VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	public_id VARCHAR NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, fact_id, message_id)
);
INSERT INTO "fact_mention" VALUES('acme','alice','fact-1','m1','s1','m1');
INSERT INTO "fact_mention" VALUES('acme','bob','fact-1','m1','s1','m1');
INSERT INTO "fact_mention" VALUES('globex','alice','fact-1','m1','s1','m1');
CREATE TABLE injection (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	anchor BLOB NOT NULL, 
	position INTEGER NOT NULL, 
	tokens INTEGER NOT NULL, 
	request_id VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	facts TEXT NOT NULL, 
	block TEXT NOT NULL, 
	receipt BLOB NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, session_id, anchor)
);
INSERT INTO "injection" VALUES('acme','alice','s1',X'27C35E6E9373877F29E562464E46497E',0,9,'request-1',1767268800000000,'["fact-1","fact-2"]','- (2026-01-01) Lives in Berlin
',X'7B22776879223A205B5D7D');
INSERT INTO "injection" VALUES('acme','bob','s1',X'27C35E6E9373877F29E562464E46497E',0,9,'request-1',1767268800000000,'["fact-1","fact-2"]','- (2026-01-01) Lives in Berlin
',X'7B22776879223A205B5D7D');
INSERT INTO "injection" VALUES('globex','alice','s1',X'27C35E6E9373877F29E562464E46497E',0,9,'request-1',1767268800000000,'["fact-1","fact-2"]','- (2026-01-01) Lives in Berlin
',X'7B22776879223A205B5D7D');
CREATE TABLE job (
	tenant_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	process_id VARCHAR, 
	session_id VARCHAR, 
	created_at BIGINT NOT NULL, 
	run_at BIGINT NOT NULL, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	lease_until BIGINT, 
	worker VARCHAR, 
	error TEXT, 
	finished_at BIGINT, 
	PRIMARY KEY (tenant_id, id)
);
INSERT INTO "job" VALUES('acme','job-1','extract','alice','chat','s1',1767268800000000,1767268800000000,'pending',0,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES('acme','job-2','extract','bob','chat','s1',1767268800000000,1767268800000000,'pending',0,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES('globex','job-1','extract','alice','chat','s1',1767268800000000,1767268800000000,'pending',0,NULL,NULL,NULL,NULL);
CREATE TABLE message (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	position INTEGER NOT NULL, 
	"key" BLOB NOT NULL, 
	role VARCHAR NOT NULL, 
	name VARCHAR, 
	external_id VARCHAR, 
	complete BOOLEAN NOT NULL, 
	augmented BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	extra BLOB, 
	text TEXT NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id, session_id)
);
INSERT INTO "message" VALUES('acme','alice','message-d8f45bada897741debfd0b1ec806ab0e','s1',0,X'D8F45BADA897741DEBFD0B1EC806AB0E','user',NULL,NULL,1,0,1767268800000000,NULL,'Hi, I moved to Lisbon');
INSERT INTO "message" VALUES('acme','alice','message-25db034ac06b4c57cf09210283014729','s1',1,X'25DB034AC06B4C57CF09210283014729','user',NULL,NULL,1,0,1767268800000000,NULL,'What a day');
INSERT INTO "message" VALUES('acme','bob','message-d8f45bada897741debfd0b1ec806ab0e','s1',0,X'D8F45BADA897741DEBFD0B1EC806AB0E','user',NULL,NULL,1,0,1767268800000000,NULL,'Hi, I moved to Lisbon');
INSERT INTO "message" VALUES('acme','bob','message-25db034ac06b4c57cf09210283014729','s1',1,X'25DB034AC06B4C57CF09210283014729','user',NULL,NULL,1,0,1767268800000000,NULL,'What a day');
INSERT INTO "message" VALUES('globex','alice','message-d8f45bada897741debfd0b1ec806ab0e','s1',0,X'D8F45BADA897741DEBFD0B1EC806AB0E','user',NULL,NULL,1,0,1767268800000000,NULL,'Hi, I moved to Lisbon');
INSERT INTO "message" VALUES('globex','alice','message-25db034ac06b4c57cf09210283014729','s1',1,X'25DB034AC06B4C57CF09210283014729','user',NULL,NULL,1,0,1767268800000000,NULL,'What a day');
CREATE TABLE process (
	tenant_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, id)
);
INSERT INTO "process" VALUES('acme','chat',1795269466439287);
INSERT INTO "process" VALUES('globex','chat',1795269466456992);
CREATE TABLE provider_key (
	tenant_id VARCHAR NOT NULL, 
	provider VARCHAR NOT NULL, 
	sealed BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, provider)
);
CREATE TABLE session (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	process_id VARCHAR, 
	created_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	messages INTEGER NOT NULL, 
	injections INTEGER NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
INSERT INTO "session" VALUES('acme','alice','s1','chat',1767268800000000,1767268800000000,2,1);
INSERT INTO "session" VALUES('acme','bob','s1','chat',1767268800000000,1767268800000000,2,1);
INSERT INTO "session" VALUES('globex','alice','s1','chat',1767268800000000,1767268800000000,2,1);
CREATE TABLE summary (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	text TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
CREATE TABLE tenant (
	id VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tenant" VALUES('acme',1795269466439291);
INSERT INTO "tenant" VALUES('globex',1795269466456997);
CREATE TABLE triple (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	fact_id VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	predicate VARCHAR NOT NULL, 
	object VARCHAR NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
INSERT INTO "triple" VALUES('acme','alice','t1','fact-2','Alice','lives in','Lisbon');
INSERT INTO "triple" VALUES('acme','bob','t1','fact-2','Alice','lives in','Lisbon');
INSERT INTO "triple" VALUES('globex','alice','t1','fact-2','Alice','lives in','Lisbon');
CREATE TABLE usage (
	tenant_id VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	process_id VARCHAR, 
	model VARCHAR NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, request_id)
);
INSERT INTO "usage" VALUES('acme','request-2026-01-01T12:00:00+00:00','alice','s1','chat','gpt',3,4,1767268800000000);
INSERT INTO "usage" VALUES('globex','request-2026-01-01T12:00:00+00:00','alice','s1','chat','gpt',3,4,1767268800000000);
CREATE INDEX ix_api_key_tenant_id ON api_key (tenant_id);
CREATE INDEX ix_event_tenant_id_entity_id_fact_id ON event (tenant_id, entity_id, fact_id);
CREATE INDEX ix_fact_tenant_id_entity_id_attribute ON fact (tenant_id, entity_id, attribute) WHERE attribute IS NOT NULL;
CREATE INDEX ix_fact_tenant_id_entity_id_version ON fact (tenant_id, entity_id, version);
CREATE UNIQUE INDEX ix_job_running ON job (tenant_id, entity_id) WHERE state = 'running';
CREATE INDEX ix_job_state_created_at_id ON job (state, created_at, id);
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_key_session_id ON message (tenant_id, entity_id, "key", session_id);
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_session_id_external_id ON message (tenant_id, entity_id, session_id, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_session_id_position ON message (tenant_id, entity_id, session_id, position);
CREATE INDEX ix_message_unaugmented ON message (tenant_id, entity_id, session_id, position) WHERE augmented = 0;
CREATE INDEX ix_session_tenant_id_entity_id_created_at_id ON session (tenant_id, entity_id, created_at, id);
CREATE INDEX ix_triple_tenant_id_entity_id_fact_id ON triple (tenant_id, entity_id, fact_id);
CREATE INDEX ix_summary_tenant_id_entity_id_session_id ON summary (tenant_id, entity_id, session_id);
COMMIT;
