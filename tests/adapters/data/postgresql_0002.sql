--
-- PostgreSQL database dump
--


-- Dumped from database version 18.4
-- Dumped by pg_dump version 18.4

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: api_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_key (
    id text NOT NULL COLLATE pg_catalog."C",
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    digest bytea NOT NULL,
    created_at bigint NOT NULL,
    entity_id text COLLATE pg_catalog."C",
    process_id text COLLATE pg_catalog."C",
    recall_scope text COLLATE pg_catalog."C",
    revoked_at bigint
);


--
-- Name: category; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.category (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);


--
-- Name: entity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.entity (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    version bigint NOT NULL,
    numbers bigint NOT NULL
);


--
-- Name: event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.event (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    fact_id text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    before text COLLATE pg_catalog."C",
    after text COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);


--
-- Name: fact; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.fact (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    tokens bigint NOT NULL,
    first_seen bigint NOT NULL,
    last_seen bigint NOT NULL,
    embedding bytea,
    model text COLLATE pg_catalog."C",
    attribute text COLLATE pg_catalog."C",
    value text COLLATE pg_catalog."C",
    value_key bytea,
    speaker text COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    process_id text COLLATE pg_catalog."C",
    mentions bigint NOT NULL,
    valid_from bigint,
    valid_to bigint,
    superseded_by text COLLATE pg_catalog."C",
    confidence double precision NOT NULL,
    expires_at bigint,
    pinned boolean NOT NULL,
    authored boolean NOT NULL,
    meta text COLLATE pg_catalog."C"
);


--
-- Name: fact_mention; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.fact_mention (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    fact_id text NOT NULL COLLATE pg_catalog."C",
    message_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    public_id text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: injection; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.injection (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    anchor bytea NOT NULL,
    "position" bigint NOT NULL,
    tokens bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    facts text NOT NULL COLLATE pg_catalog."C",
    block text NOT NULL COLLATE pg_catalog."C",
    receipt bytea NOT NULL
);


--
-- Name: job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    process_id text COLLATE pg_catalog."C",
    session_id text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    run_at bigint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    attempts bigint NOT NULL,
    lease_until bigint,
    worker text COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    finished_at bigint
);


--
-- Name: message; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    key bytea NOT NULL,
    role text NOT NULL COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    external_id text COLLATE pg_catalog."C",
    complete boolean NOT NULL,
    augmented boolean NOT NULL,
    created_at bigint NOT NULL,
    extra bytea,
    text text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: process; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.process (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL
);


--
-- Name: provider_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.provider_key (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.session (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    process_id text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    last_at bigint NOT NULL,
    messages bigint NOT NULL,
    injections bigint NOT NULL
);


--
-- Name: summary; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.summary (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    created_at bigint NOT NULL
);


--
-- Name: tenant; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tenant (
    id text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    earliest bigint NOT NULL
);


--
-- Name: triple; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.triple (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    fact_id text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    predicate text NOT NULL COLLATE pg_catalog."C",
    object text NOT NULL COLLATE pg_catalog."C"
);


--
-- Name: usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.usage (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    entity_id text NOT NULL COLLATE pg_catalog."C",
    session_id text NOT NULL COLLATE pg_catalog."C",
    process_id text COLLATE pg_catalog."C",
    model text NOT NULL COLLATE pg_catalog."C",
    prompt_tokens bigint NOT NULL,
    completion_tokens bigint NOT NULL,
    created_at bigint NOT NULL
);


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.alembic_version (version_num) FROM stdin;
0002
\.


--
-- Data for Name: api_key; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.api_key (id, tenant_id, digest, created_at, entity_id, process_id, recall_scope, revoked_at) FROM stdin;
k1	acme	\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f	1767268801000000	alice	chat	process	\N
k3	only keys	\\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f	1767268803000000	\N	\N	\N	\N
k2	acme	\\x1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100	1767268802000000	\N	\N	\N	1767268804000000
\.


--
-- Data for Name: category; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.category (tenant_id, entity_id, id, name, created_at) FROM stdin;
\.


--
-- Data for Name: entity; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.entity (tenant_id, id, created_at, version, numbers) FROM stdin;
globex	alice	1795279762370917	1795279762371	0
acme	alice	1795279762293501	1795279762296	6
acme	Zoë 👩	1795279762360957	1795279762362	1
globex	silent	1795279762409178	1795279762410	0
\.


--
-- Data for Name: event; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.event (tenant_id, entity_id, id, fact_id, action, reason, before, after, created_at) FROM stdin;
acme	alice	event-2	fact-20	created	said	ä	ö	1767268800000000
acme	alice	event-1	fact-1	created	said	\N	after 1	1767268809000000
acme	alice	event-3	fact-3	created	said	\N	\N	1767268800000000
\.


--
-- Data for Name: fact; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.fact (tenant_id, entity_id, id, number, version, kind, state, text, tokens, first_seen, last_seen, embedding, model, attribute, value, value_key, speaker, role, process_id, mentions, valid_from, valid_to, superseded_by, confidence, expires_at, pinned, authored, meta) FROM stdin;
acme	alice	fact-20	1	1795279762295	episode	current	I like jazz.	3	1767268800000000	1767268800000000	\\x003c0000000000000000000000000000	m	\N	\N	\N	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
acme	alice	fact-21	2	1795279762295	episode	current	I like tea.	3	1767268800000000	1767268800000000	\\x0000003c000000000000000000000000	m	\N	\N	\N	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
acme	alice	fact-22	3	1795279762295	episode	current	I like Miso, our kitten.	3	1767268800000000	1767268800000000	\\x00000000003c00000000000000000000	m	\N	\N	\N	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
acme	alice	fact-1	4	1795279762295	profile	superseded	Lives in Berlin 🐻	3	1767268800000000	1767268800000000	\\x00bcb7b9dbb692b09230db36b739003c	m	home	berlin	\\xe2f9fc3898c7ae3e09d0a709fa3d04de	Ål	assistant	chat	3	1767268799000000	1767268801000000	fact-2	0.1	1767268899000001	t	t	{"b":"ö","a":"1"}
acme	alice	fact-3	5	1795279762296	episode	forgotten		3	1767268800000000	1767268800000000	\N	\N	likes	digest	\\x5555bf542ec8581b3ed4443271b62cc4	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
acme	alice	fact-2	6	1795279762296	episode	current	a'b"c\\d\n\te\r\n;--	3	1767268800000000	1767268800000000	\N	\N	home	lisbon	\\x7fb456f0614d669a29c3d87540201a5a	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
acme	Zoë 👩	fact-1	1	1795279762362	episode	current	I live in Zürich.	3	1767268800000000	1767268800000000	\N	\N	\N	\N	\N	\N	user	\N	1	\N	\N	\N	1	\N	f	f	\N
\.


--
-- Data for Name: fact_mention; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.fact_mention (tenant_id, entity_id, fact_id, message_id, session_id, public_id) FROM stdin;
acme	alice	fact-1	message-caec17f4b8159d486ca352209a0fc2d5	s1	x
acme	alice	fact-1	message-0df333348bb2c4f0605e010b6706f5bb	s2	d
\.


--
-- Data for Name: injection; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.injection (tenant_id, entity_id, session_id, anchor, "position", tokens, request_id, created_at, facts, block, receipt) FROM stdin;
acme	alice	s2	\\x27c35e6e9373877f29e562464e46497e	0	7	request-1	1767268800000000	["fact-1","fact-2"]	Known:\n- I drink “tea”\n	\\x7b22776879223a20226dc3bc6465227d
acme	alice	s1	\\xcaec17f4b8159d486ca352209a0fc2d5	0	0	request-2 of alice	1767268870000000	["fact-1","fact-2"]		\\x7b22776879223a205b5d7d
acme	Zoë 👩	s2	\\x27c35e6e9373877f29e562464e46497e	0	7	request-1	1767268800000000	["fact-1","fact-2"]	Known:\n- I drink “tea”\n	\\x7b22776879223a20226dc3bc6465227d
acme	Zoë 👩	s1	\\xcaec17f4b8159d486ca352209a0fc2d5	0	0	request-2 of Zoë 👩	1767268870000000	["fact-1","fact-2"]		\\x7b22776879223a205b5d7d
globex	alice	s2	\\x27c35e6e9373877f29e562464e46497e	0	7	request-1	1767268800000000	["fact-1","fact-2"]	Known:\n- I drink “tea”\n	\\x7b22776879223a20226dc3bc6465227d
globex	alice	s1	\\xcaec17f4b8159d486ca352209a0fc2d5	0	0	request-2 of alice	1767268870000000	["fact-1","fact-2"]		\\x7b22776879223a205b5d7d
\.


--
-- Data for Name: job; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.job (tenant_id, id, kind, entity_id, process_id, session_id, created_at, run_at, state, attempts, lease_until, worker, error, finished_at) FROM stdin;
acme	job-4	extract	eve	chat	s1	1767268804000000	1767268804000000	pending	0	\N	\N	\N	\N
acme	job-3	extract	dora	chat	s1	1767268803000000	1767268803000000	running	1	1767268865000000	w1	\N	\N
acme	job-0	extract	alice	chat	s1	1767268800000000	1767268800000000	done	1	\N	\N	\N	1767268806000000
acme	job-1	extract	Zoë 👩	chat	s1	1767268801000000	1767268801000000	dead	1	\N	\N	no “model”	1767268806000000
acme	job-2	extract	carl	chat	s1	1767268802000000	1767269400000000	pending	1	\N	\N	away	\N
\.


--
-- Data for Name: message; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.message (tenant_id, entity_id, id, session_id, "position", key, role, name, external_id, complete, augmented, created_at, extra, text) FROM stdin;
acme	alice	message-caec17f4b8159d486ca352209a0fc2d5	s1	0	\\xcaec17f4b8159d486ca352209a0fc2d5	user	\N	\N	t	f	1767268860000000	\N	c
acme	alice	message-0df333348bb2c4f0605e010b6706f5bb	s2	8	\\x0df333348bb2c4f0605e010b6706f5bb	user	\N	\N	t	f	1767268880000000	\N	d
acme	alice	message-303bc537bfec3d3774c26c9bf9813316	s2	0	\\x303bc537bfec3d3774c26c9bf9813316	user	Ål	\N	t	t	1767268800000000	\N	a'b"c\\d\n\te\r\n;--
acme	alice	message-8b5fa3b4317a85c33e03558cdc2dbf90	s2	1	\\x8b5fa3b4317a85c33e03558cdc2dbf90	user	Ål	\N	t	t	1767268801000000	\N	👩‍👩‍👧‍👦 é ‮abc‬
acme	alice	message-ed91fd3ea509bd210e83d24b2479e1be	s2	2	\\xed91fd3ea509bd210e83d24b2479e1be	user	Ål	\N	t	t	1767268802000000	\N	مرحبا 王小明住在上海
acme	alice	message-cae66941d9efbd404e4d88758ea67670	s2	3	\\xcae66941d9efbd404e4d88758ea67670	user	Ål	\N	t	t	1767268803000000	\N	
acme	alice	message-aaa23663da8d05fecd3b0dd39ceaf26e	s2	4	\\xaaa23663da8d05fecd3b0dd39ceaf26e	user	Ål	\N	t	t	1767268804000000	\N	 
acme	alice	message-72b84304de291a2ff5fc9a6475504e40	s2	5	\\x72b84304de291a2ff5fc9a6475504e40	user	Ål	\N	t	t	1767268805000000	\N	%s {} $1 :x \\N \\.
acme	alice	message-56f3fdfbb6ad3f3946262235ad782fe5	s2	6	\\x56f3fdfbb6ad3f3946262235ad782fe5	user	Ål	\N	t	t	1767268806000000	\N	ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute 
acme	alice	message-96172b4c53372cd10faddc821bfe0318	s2	7	\\x96172b4c53372cd10faddc821bfe0318	assistant	\N	x-1	f	t	1767268809000000	\\x7b22746f6f6c5f63616c6c73223a5b5d7d	b
acme	Zoë 👩	message-caec17f4b8159d486ca352209a0fc2d5	s1	0	\\xcaec17f4b8159d486ca352209a0fc2d5	user	\N	\N	t	f	1767268860000000	\N	c
acme	Zoë 👩	message-0df333348bb2c4f0605e010b6706f5bb	s2	8	\\x0df333348bb2c4f0605e010b6706f5bb	user	\N	\N	t	f	1767268880000000	\N	d
acme	Zoë 👩	message-303bc537bfec3d3774c26c9bf9813316	s2	0	\\x303bc537bfec3d3774c26c9bf9813316	user	Ål	\N	t	t	1767268800000000	\N	a'b"c\\d\n\te\r\n;--
acme	Zoë 👩	message-8b5fa3b4317a85c33e03558cdc2dbf90	s2	1	\\x8b5fa3b4317a85c33e03558cdc2dbf90	user	Ål	\N	t	t	1767268801000000	\N	👩‍👩‍👧‍👦 é ‮abc‬
acme	Zoë 👩	message-ed91fd3ea509bd210e83d24b2479e1be	s2	2	\\xed91fd3ea509bd210e83d24b2479e1be	user	Ål	\N	t	t	1767268802000000	\N	مرحبا 王小明住在上海
acme	Zoë 👩	message-cae66941d9efbd404e4d88758ea67670	s2	3	\\xcae66941d9efbd404e4d88758ea67670	user	Ål	\N	t	t	1767268803000000	\N	
acme	Zoë 👩	message-aaa23663da8d05fecd3b0dd39ceaf26e	s2	4	\\xaaa23663da8d05fecd3b0dd39ceaf26e	user	Ål	\N	t	t	1767268804000000	\N	 
acme	Zoë 👩	message-72b84304de291a2ff5fc9a6475504e40	s2	5	\\x72b84304de291a2ff5fc9a6475504e40	user	Ål	\N	t	t	1767268805000000	\N	%s {} $1 :x \\N \\.
acme	Zoë 👩	message-56f3fdfbb6ad3f3946262235ad782fe5	s2	6	\\x56f3fdfbb6ad3f3946262235ad782fe5	user	Ål	\N	t	t	1767268806000000	\N	ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute 
acme	Zoë 👩	message-96172b4c53372cd10faddc821bfe0318	s2	7	\\x96172b4c53372cd10faddc821bfe0318	assistant	\N	x-1	f	t	1767268809000000	\\x7b22746f6f6c5f63616c6c73223a5b5d7d	b
globex	alice	message-caec17f4b8159d486ca352209a0fc2d5	s1	0	\\xcaec17f4b8159d486ca352209a0fc2d5	user	\N	\N	t	f	1767268860000000	\N	c
globex	alice	message-0df333348bb2c4f0605e010b6706f5bb	s2	8	\\x0df333348bb2c4f0605e010b6706f5bb	user	\N	\N	t	f	1767268880000000	\N	d
globex	alice	message-303bc537bfec3d3774c26c9bf9813316	s2	0	\\x303bc537bfec3d3774c26c9bf9813316	user	Ål	\N	t	t	1767268800000000	\N	a'b"c\\d\n\te\r\n;--
globex	alice	message-8b5fa3b4317a85c33e03558cdc2dbf90	s2	1	\\x8b5fa3b4317a85c33e03558cdc2dbf90	user	Ål	\N	t	t	1767268801000000	\N	👩‍👩‍👧‍👦 é ‮abc‬
globex	alice	message-ed91fd3ea509bd210e83d24b2479e1be	s2	2	\\xed91fd3ea509bd210e83d24b2479e1be	user	Ål	\N	t	t	1767268802000000	\N	مرحبا 王小明住在上海
globex	alice	message-cae66941d9efbd404e4d88758ea67670	s2	3	\\xcae66941d9efbd404e4d88758ea67670	user	Ål	\N	t	t	1767268803000000	\N	
globex	alice	message-aaa23663da8d05fecd3b0dd39ceaf26e	s2	4	\\xaaa23663da8d05fecd3b0dd39ceaf26e	user	Ål	\N	t	t	1767268804000000	\N	 
globex	alice	message-72b84304de291a2ff5fc9a6475504e40	s2	5	\\x72b84304de291a2ff5fc9a6475504e40	user	Ål	\N	t	t	1767268805000000	\N	%s {} $1 :x \\N \\.
globex	alice	message-56f3fdfbb6ad3f3946262235ad782fe5	s2	6	\\x56f3fdfbb6ad3f3946262235ad782fe5	user	Ål	\N	t	t	1767268806000000	\N	ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute 
globex	alice	message-96172b4c53372cd10faddc821bfe0318	s2	7	\\x96172b4c53372cd10faddc821bfe0318	assistant	\N	x-1	f	t	1767268809000000	\\x7b22746f6f6c5f63616c6c73223a5b5d7d	b
\.


--
-- Data for Name: process; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.process (tenant_id, id, created_at) FROM stdin;
acme	chat	1795279762304217
acme	app	1795279762361694
globex	chat	1795279762371819
\.


--
-- Data for Name: provider_key; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.provider_key (tenant_id, provider, sealed, created_at) FROM stdin;
\.


--
-- Data for Name: session; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.session (tenant_id, entity_id, id, process_id, created_at, last_at, messages, injections) FROM stdin;
acme	alice	s1	\N	1767268860000000	1767268860000000	1	1
acme	alice	s2	chat	1767268800000000	1767268880000000	9	1
acme	Zoë 👩	s1	\N	1767268860000000	1767268860000000	1	1
acme	Zoë 👩	s2	app	1767268800000000	1767268880000000	9	1
globex	alice	s1	\N	1767268860000000	1767268860000000	1	1
globex	alice	s2	chat	1767268800000000	1767268880000000	9	1
\.


--
-- Data for Name: summary; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.summary (tenant_id, entity_id, id, session_id, text, "position", created_at) FROM stdin;
\.


--
-- Data for Name: tenant; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.tenant (id, created_at, earliest) FROM stdin;
acme	1795279762296467	0
globex	1795279762371036	0
only keys	1795279762421143	0
\.


--
-- Data for Name: triple; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.triple (tenant_id, entity_id, id, fact_id, subject, predicate, object) FROM stdin;
acme	alice	triple-2	fact-1	Alice	lives in	town 2
acme	alice	triple-1	fact-20	Alice	lives in	town 1
\.


--
-- Data for Name: usage; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.usage (tenant_id, request_id, entity_id, session_id, process_id, model, prompt_tokens, completion_tokens, created_at) FROM stdin;
acme	request-2026-01-01T12:00:00+00:00	alice	s2	chat	gpt	12	34	1767268800000000
globex	request-2026-01-01T12:00:00+00:00	alice	s2	chat	gpt	12	34	1767268800000000
\.


--
-- Name: alembic_version alembic_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkey PRIMARY KEY (version_num);


--
-- Name: api_key api_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);


--
-- Name: category category_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.category
    ADD CONSTRAINT category_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: entity entity_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.entity
    ADD CONSTRAINT entity_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: event event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: fact_mention fact_mention_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fact_mention
    ADD CONSTRAINT fact_mention_pkey PRIMARY KEY (tenant_id, entity_id, fact_id, message_id);


--
-- Name: fact fact_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fact
    ADD CONSTRAINT fact_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: injection injection_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.injection
    ADD CONSTRAINT injection_pkey PRIMARY KEY (tenant_id, entity_id, session_id, anchor);


--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: message message_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (tenant_id, entity_id, id, session_id);


--
-- Name: process process_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.process
    ADD CONSTRAINT process_pkey PRIMARY KEY (tenant_id, id);


--
-- Name: provider_key provider_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.provider_key
    ADD CONSTRAINT provider_key_pkey PRIMARY KEY (tenant_id, provider);


--
-- Name: session session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: summary summary_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.summary
    ADD CONSTRAINT summary_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: tenant tenant_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tenant
    ADD CONSTRAINT tenant_pkey PRIMARY KEY (id);


--
-- Name: triple triple_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.triple
    ADD CONSTRAINT triple_pkey PRIMARY KEY (tenant_id, entity_id, id);


--
-- Name: usage usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (tenant_id, request_id);


--
-- Name: ix_api_key_tenant_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_api_key_tenant_id ON public.api_key USING btree (tenant_id);


--
-- Name: ix_entity_tenant_id_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_entity_tenant_id_created_at_id ON public.entity USING btree (tenant_id, created_at, id);


--
-- Name: ix_event_tenant_id_entity_id_fact_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_event_tenant_id_entity_id_fact_id ON public.event USING btree (tenant_id, entity_id, fact_id);


--
-- Name: ix_fact_tenant_id_entity_id_attribute_value_key; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_fact_tenant_id_entity_id_attribute_value_key ON public.fact USING btree (tenant_id, entity_id, attribute, value_key) WHERE (attribute IS NOT NULL);


--
-- Name: ix_fact_tenant_id_entity_id_number_state_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_fact_tenant_id_entity_id_number_state_kind ON public.fact USING btree (tenant_id, entity_id, number, state, kind);


--
-- Name: ix_fact_tenant_id_entity_id_version; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_fact_tenant_id_entity_id_version ON public.fact USING btree (tenant_id, entity_id, version);


--
-- Name: ix_injection_tenant_id_request_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_injection_tenant_id_request_id ON public.injection USING btree (tenant_id, request_id);


--
-- Name: ix_job_running; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_job_running ON public.job USING btree (tenant_id, entity_id) WHERE (state = 'running'::text);


--
-- Name: ix_job_state_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_job_state_created_at_id ON public.job USING btree (state, created_at, id);


--
-- Name: ix_job_tenant_id_entity_id_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_job_tenant_id_entity_id_created_at_id ON public.job USING btree (tenant_id, entity_id, created_at, id);


--
-- Name: ix_message_tenant_id_entity_id_external_id_session_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_external_id_session_id ON public.message USING btree (tenant_id, entity_id, external_id, session_id) WHERE (external_id IS NOT NULL);


--
-- Name: ix_message_tenant_id_entity_id_key_session_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_key_session_id ON public.message USING btree (tenant_id, entity_id, key, session_id);


--
-- Name: ix_message_tenant_id_entity_id_session_id_position; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_message_tenant_id_entity_id_session_id_position ON public.message USING btree (tenant_id, entity_id, session_id, "position");


--
-- Name: ix_message_unaugmented; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_message_unaugmented ON public.message USING btree (tenant_id, entity_id, session_id, "position") WHERE (augmented = false);


--
-- Name: ix_session_tenant_id_entity_id_created_at_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_session_tenant_id_entity_id_created_at_id ON public.session USING btree (tenant_id, entity_id, created_at, id);


--
-- Name: ix_summary_tenant_id_entity_id_session_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_summary_tenant_id_entity_id_session_id ON public.summary USING btree (tenant_id, entity_id, session_id);


--
-- Name: ix_triple_tenant_id_entity_id_fact_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_triple_tenant_id_entity_id_fact_id ON public.triple USING btree (tenant_id, entity_id, fact_id);


--
-- Name: ix_usage_tenant_id_entity_id; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_usage_tenant_id_entity_id ON public.usage USING btree (tenant_id, entity_id);


--
-- PostgreSQL database dump complete
--

