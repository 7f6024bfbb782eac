BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
INSERT INTO "api_key" VALUES('k1','acme',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',1767268801000000,'alice','chat','process',NULL);
INSERT INTO "api_key" VALUES('k2','acme',X'1F1E1D1C1B1A191817161514131211100F0E0D0C0B0A09080706050403020100',1767268802000000,NULL,NULL,NULL,1767268804000000);
INSERT INTO "api_key" VALUES('k3','only keys',X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',1767268803000000,NULL,NULL,NULL,NULL);
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
INSERT INTO "entity" VALUES('acme','alice',1795279756614878,1795279756617,6);
INSERT INTO "entity" VALUES('acme','Zoë 👩',1795279756659998,1795279756661,1);
INSERT INTO "entity" VALUES('globex','alice',1795279756696800,1795279756697,0);
INSERT INTO "entity" VALUES('globex','silent',1795279756748468,1795279756749,0);
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
INSERT INTO "event" VALUES('acme','alice','event-2','fact-20','created','said','ä','ö',1767268800000000);
INSERT INTO "event" VALUES('acme','alice','event-1','fact-1','created','said',NULL,'after 1',1767268809000000);
INSERT INTO "event" VALUES('acme','alice','event-3','fact-3','created','said',NULL,NULL,1767268800000000);
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
	meta TEXT, authored BOOLEAN DEFAULT '0' NOT NULL, value_key BLOB, 
	PRIMARY KEY (tenant_id, entity_id, id)
);
INSERT INTO "fact" VALUES('acme','alice','fact-20',1,1795279756616,'episode','current','I like jazz.',3,1767268800000000,1767268800000000,X'003C0000000000000000000000000000','m',NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-21',2,1795279756616,'episode','current','I like tea.',3,1767268800000000,1767268800000000,X'0000003C000000000000000000000000','m',NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-22',3,1795279756616,'episode','current','I like Miso, our kitten.',3,1767268800000000,1767268800000000,X'00000000003C00000000000000000000','m',NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,NULL);
INSERT INTO "fact" VALUES('acme','alice','fact-1',4,1795279756616,'profile','superseded','Lives in Berlin 🐻',3,1767268800000000,1767268800000000,X'00BCB7B9DBB692B09230DB36B739003C','m','home','berlin','Ål','assistant','chat',3,1767268799000000,1767268801000000,'fact-2',0.1,1767268899000001,1,'{"b":"ö","a":"1"}',1,X'E2F9FC3898C7AE3E09D0A709FA3D04DE');
INSERT INTO "fact" VALUES('acme','alice','fact-3',5,1795279756617,'episode','forgotten','',3,1767268800000000,1767268800000000,NULL,NULL,'likes','digest',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,X'5555BF542EC8581B3ED4443271B62CC4');
INSERT INTO "fact" VALUES('acme','alice','fact-2',6,1795279756617,'episode','current','a''b"c\d
	e
;--',3,1767268800000000,1767268800000000,NULL,NULL,'home','lisbon',NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,X'7FB456F0614D669A29C3D87540201A5A');
INSERT INTO "fact" VALUES('acme','Zoë 👩','fact-1',1,1795279756661,'episode','current','I live in Zürich.',3,1767268800000000,1767268800000000,NULL,NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1.0,NULL,0,NULL,0,NULL);
CREATE TABLE fact_mention (
	tenant_id VARCHAR NOT NULL, 
	entity_id VARCHAR NOT NULL, 
	fact_id VARCHAR NOT NULL, 
	message_id VARCHAR NOT NULL, 
	session_id VARCHAR NOT NULL, 
	public_id VARCHAR NOT NULL, 
	PRIMARY KEY (tenant_id, entity_id, fact_id, message_id)
);
INSERT INTO "fact_mention" VALUES('acme','alice','fact-1','message-caec17f4b8159d486ca352209a0fc2d5','s1','x');
INSERT INTO "fact_mention" VALUES('acme','alice','fact-1','message-0df333348bb2c4f0605e010b6706f5bb','s2','d');
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
INSERT INTO "injection" VALUES('acme','alice','s2',X'27C35E6E9373877F29E562464E46497E',0,7,'request-1',1767268800000000,'["fact-1","fact-2"]','Known:
- I drink “tea”
',X'7B22776879223A20226DC3BC6465227D');
INSERT INTO "injection" VALUES('acme','alice','s1',X'CAEC17F4B8159D486CA352209A0FC2D5',0,0,'request-2 of alice',1767268870000000,'["fact-1","fact-2"]','',X'7B22776879223A205B5D7D');
INSERT INTO "injection" VALUES('acme','Zoë 👩','s2',X'27C35E6E9373877F29E562464E46497E',0,7,'request-1',1767268800000000,'["fact-1","fact-2"]','Known:
- I drink “tea”
',X'7B22776879223A20226DC3BC6465227D');
INSERT INTO "injection" VALUES('acme','Zoë 👩','s1',X'CAEC17F4B8159D486CA352209A0FC2D5',0,0,'request-2 of Zoë 👩',1767268870000000,'["fact-1","fact-2"]','',X'7B22776879223A205B5D7D');
INSERT INTO "injection" VALUES('globex','alice','s2',X'27C35E6E9373877F29E562464E46497E',0,7,'request-1',1767268800000000,'["fact-1","fact-2"]','Known:
- I drink “tea”
',X'7B22776879223A20226DC3BC6465227D');
INSERT INTO "injection" VALUES('globex','alice','s1',X'CAEC17F4B8159D486CA352209A0FC2D5',0,0,'request-2 of alice',1767268870000000,'["fact-1","fact-2"]','',X'7B22776879223A205B5D7D');
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
INSERT INTO "job" VALUES('acme','job-0','extract','alice','chat','s1',1767268800000000,1767268800000000,'done',1,NULL,NULL,NULL,1767268806000000);
INSERT INTO "job" VALUES('acme','job-1','extract','Zoë 👩','chat','s1',1767268801000000,1767268801000000,'dead',1,NULL,NULL,'no “model”',1767268806000000);
INSERT INTO "job" VALUES('acme','job-2','extract','carl','chat','s1',1767268802000000,1767269400000000,'pending',1,NULL,NULL,'away',NULL);
INSERT INTO "job" VALUES('acme','job-3','extract','dora','chat','s1',1767268803000000,1767268803000000,'running',1,1767268865000000,'w1',NULL,NULL);
INSERT INTO "job" VALUES('acme','job-4','extract','eve','chat','s1',1767268804000000,1767268804000000,'pending',0,NULL,NULL,NULL,NULL);
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
INSERT INTO "message" VALUES('acme','alice','message-303bc537bfec3d3774c26c9bf9813316','s2',0,X'303BC537BFEC3D3774C26C9BF9813316','user','Ål',NULL,1,1,1767268800000000,NULL,'a''b"c\d
	e
;--');
INSERT INTO "message" VALUES('acme','alice','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,X'8B5FA3B4317A85C33E03558CDC2DBF90','user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬');
INSERT INTO "message" VALUES('acme','alice','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,X'ED91FD3EA509BD210E83D24B2479E1BE','user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海');
INSERT INTO "message" VALUES('acme','alice','message-cae66941d9efbd404e4d88758ea67670','s2',3,X'CAE66941D9EFBD404E4D88758EA67670','user','Ål',NULL,1,1,1767268803000000,NULL,'');
INSERT INTO "message" VALUES('acme','alice','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,X'AAA23663DA8D05FECD3B0DD39CEAF26E','user','Ål',NULL,1,1,1767268804000000,NULL,' ');
INSERT INTO "message" VALUES('acme','alice','message-72b84304de291a2ff5fc9a6475504e40','s2',5,X'72B84304DE291A2FF5FC9A6475504E40','user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \N \.');
INSERT INTO "message" VALUES('acme','alice','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,X'56F3FDFBB6AD3F3946262235AD782FE5','user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ');
INSERT INTO "message" VALUES('acme','alice','message-96172b4c53372cd10faddc821bfe0318','s2',7,X'96172B4C53372CD10FADDC821BFE0318','assistant',NULL,'x-1',0,1,1767268809000000,X'7B22746F6F6C5F63616C6C73223A5B5D7D','b');
INSERT INTO "message" VALUES('acme','alice','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,X'CAEC17F4B8159D486CA352209A0FC2D5','user',NULL,NULL,1,0,1767268860000000,NULL,'c');
INSERT INTO "message" VALUES('acme','alice','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,X'0DF333348BB2C4F0605E010B6706F5BB','user',NULL,NULL,1,0,1767268880000000,NULL,'d');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-303bc537bfec3d3774c26c9bf9813316','s2',0,X'303BC537BFEC3D3774C26C9BF9813316','user','Ål',NULL,1,1,1767268800000000,NULL,'a''b"c\d
	e
;--');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,X'8B5FA3B4317A85C33E03558CDC2DBF90','user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,X'ED91FD3EA509BD210E83D24B2479E1BE','user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-cae66941d9efbd404e4d88758ea67670','s2',3,X'CAE66941D9EFBD404E4D88758EA67670','user','Ål',NULL,1,1,1767268803000000,NULL,'');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,X'AAA23663DA8D05FECD3B0DD39CEAF26E','user','Ål',NULL,1,1,1767268804000000,NULL,' ');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-72b84304de291a2ff5fc9a6475504e40','s2',5,X'72B84304DE291A2FF5FC9A6475504E40','user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \N \.');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,X'56F3FDFBB6AD3F3946262235AD782FE5','user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-96172b4c53372cd10faddc821bfe0318','s2',7,X'96172B4C53372CD10FADDC821BFE0318','assistant',NULL,'x-1',0,1,1767268809000000,X'7B22746F6F6C5F63616C6C73223A5B5D7D','b');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,X'CAEC17F4B8159D486CA352209A0FC2D5','user',NULL,NULL,1,0,1767268860000000,NULL,'c');
INSERT INTO "message" VALUES('acme','Zoë 👩','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,X'0DF333348BB2C4F0605E010B6706F5BB','user',NULL,NULL,1,0,1767268880000000,NULL,'d');
INSERT INTO "message" VALUES('globex','alice','message-303bc537bfec3d3774c26c9bf9813316','s2',0,X'303BC537BFEC3D3774C26C9BF9813316','user','Ål',NULL,1,1,1767268800000000,NULL,'a''b"c\d
	e
;--');
INSERT INTO "message" VALUES('globex','alice','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,X'8B5FA3B4317A85C33E03558CDC2DBF90','user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬');
INSERT INTO "message" VALUES('globex','alice','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,X'ED91FD3EA509BD210E83D24B2479E1BE','user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海');
INSERT INTO "message" VALUES('globex','alice','message-cae66941d9efbd404e4d88758ea67670','s2',3,X'CAE66941D9EFBD404E4D88758EA67670','user','Ål',NULL,1,1,1767268803000000,NULL,'');
INSERT INTO "message" VALUES('globex','alice','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,X'AAA23663DA8D05FECD3B0DD39CEAF26E','user','Ål',NULL,1,1,1767268804000000,NULL,' ');
INSERT INTO "message" VALUES('globex','alice','message-72b84304de291a2ff5fc9a6475504e40','s2',5,X'72B84304DE291A2FF5FC9A6475504E40','user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \N \.');
INSERT INTO "message" VALUES('globex','alice','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,X'56F3FDFBB6AD3F3946262235AD782FE5','user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ');
INSERT INTO "message" VALUES('globex','alice','message-96172b4c53372cd10faddc821bfe0318','s2',7,X'96172B4C53372CD10FADDC821BFE0318','assistant',NULL,'x-1',0,1,1767268809000000,X'7B22746F6F6C5F63616C6C73223A5B5D7D','b');
INSERT INTO "message" VALUES('globex','alice','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,X'CAEC17F4B8159D486CA352209A0FC2D5','user',NULL,NULL,1,0,1767268860000000,NULL,'c');
INSERT INTO "message" VALUES('globex','alice','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,X'0DF333348BB2C4F0605E010B6706F5BB','user',NULL,NULL,1,0,1767268880000000,NULL,'d');
CREATE TABLE process (
	tenant_id VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (tenant_id, id)
);
INSERT INTO "process" VALUES('acme','chat',1795279756614878);
INSERT INTO "process" VALUES('acme','app',1795279756659998);
INSERT INTO "process" VALUES('globex','chat',1795279756696800);
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
INSERT INTO "session" VALUES('acme','alice','s2','chat',1767268800000000,1767268880000000,9,1);
INSERT INTO "session" VALUES('acme','alice','s1',NULL,1767268860000000,1767268860000000,1,1);
INSERT INTO "session" VALUES('acme','Zoë 👩','s2','app',1767268800000000,1767268880000000,9,1);
INSERT INTO "session" VALUES('acme','Zoë 👩','s1',NULL,1767268860000000,1767268860000000,1,1);
INSERT INTO "session" VALUES('globex','alice','s2','chat',1767268800000000,1767268880000000,9,1);
INSERT INTO "session" VALUES('globex','alice','s1',NULL,1767268860000000,1767268860000000,1,1);
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
	created_at BIGINT NOT NULL, earliest BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tenant" VALUES('acme',1795279756614947,0);
INSERT INTO "tenant" VALUES('globex',1795279756696822,0);
INSERT INTO "tenant" VALUES('only keys',1795279756753908,0);
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
INSERT INTO "triple" VALUES('acme','alice','triple-2','fact-1','Alice','lives in','town 2');
INSERT INTO "triple" VALUES('acme','alice','triple-1','fact-20','Alice','lives in','town 1');
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
INSERT INTO "usage" VALUES('acme','request-2026-01-01T12:00:00+00:00','alice','s2','chat','gpt',12,34,1767268800000000);
INSERT INTO "usage" VALUES('globex','request-2026-01-01T12:00:00+00:00','alice','s2','chat','gpt',12,34,1767268800000000);
CREATE INDEX ix_api_key_tenant_id ON api_key (tenant_id);
CREATE INDEX ix_event_tenant_id_entity_id_fact_id ON event (tenant_id, entity_id, fact_id);
CREATE INDEX ix_fact_tenant_id_entity_id_version ON fact (tenant_id, entity_id, version);
CREATE UNIQUE INDEX ix_job_running ON job (tenant_id, entity_id) WHERE state = 'running';
CREATE INDEX ix_job_state_created_at_id ON job (state, created_at, id);
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_key_session_id ON message (tenant_id, entity_id, "key", session_id);
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_session_id_position ON message (tenant_id, entity_id, session_id, position);
CREATE INDEX ix_message_unaugmented ON message (tenant_id, entity_id, session_id, position) WHERE augmented = 0;
CREATE INDEX ix_session_tenant_id_entity_id_created_at_id ON session (tenant_id, entity_id, created_at, id);
CREATE INDEX ix_triple_tenant_id_entity_id_fact_id ON triple (tenant_id, entity_id, fact_id);
CREATE INDEX ix_summary_tenant_id_entity_id_session_id ON summary (tenant_id, entity_id, session_id);
CREATE INDEX ix_fact_tenant_id_entity_id_attribute_value_key ON fact (tenant_id, entity_id, attribute, value_key) WHERE attribute IS NOT NULL;
CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_external_id_session_id ON message (tenant_id, entity_id, external_id, session_id) WHERE external_id IS NOT NULL;
CREATE INDEX ix_entity_tenant_id_created_at_id ON entity (tenant_id, created_at, id);
CREATE INDEX ix_fact_tenant_id_entity_id_number_state_kind ON fact (tenant_id, entity_id, number, state, kind);
CREATE INDEX ix_injection_tenant_id_request_id ON injection (tenant_id, request_id);
CREATE INDEX ix_job_tenant_id_entity_id_created_at_id ON job (tenant_id, entity_id, created_at, id);
CREATE INDEX ix_usage_tenant_id_entity_id ON usage (tenant_id, entity_id);
COMMIT;
