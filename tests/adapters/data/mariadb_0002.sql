/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: test1
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `alembic_version`
--

DROP TABLE IF EXISTS `alembic_version`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `alembic_version` (
  `version_num` varchar(32) NOT NULL,
  PRIMARY KEY (`version_num`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `alembic_version`
--

LOCK TABLES `alembic_version` WRITE;
/*!40000 ALTER TABLE `alembic_version` DISABLE KEYS */;
INSERT INTO `alembic_version` VALUES
('0002');
/*!40000 ALTER TABLE `alembic_version` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `api_key`
--

DROP TABLE IF EXISTS `api_key`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `api_key` (
  `id` varchar(191) NOT NULL,
  `tenant_id` varchar(191) NOT NULL,
  `digest` longblob NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `entity_id` longtext DEFAULT NULL,
  `process_id` longtext DEFAULT NULL,
  `recall_scope` longtext DEFAULT NULL,
  `revoked_at` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_api_key_tenant_id` (`tenant_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `api_key`
--

LOCK TABLES `api_key` WRITE;
/*!40000 ALTER TABLE `api_key` DISABLE KEYS */;
INSERT INTO `api_key` VALUES
('k1','acme',0x000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F,1767268801000000,'alice','chat','process',NULL),
('k2','acme',0x1F1E1D1C1B1A191817161514131211100F0E0D0C0B0A09080706050403020100,1767268802000000,NULL,NULL,NULL,1767268804000000),
('k3','only keys',0x000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F,1767268803000000,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `api_key` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `category`
--

DROP TABLE IF EXISTS `category`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `category` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `name` longtext NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `category`
--

LOCK TABLES `category` WRITE;
/*!40000 ALTER TABLE `category` DISABLE KEYS */;
/*!40000 ALTER TABLE `category` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `entity`
--

DROP TABLE IF EXISTS `entity`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `entity` (
  `tenant_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `version` bigint(20) NOT NULL,
  `numbers` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`id`),
  KEY `ix_entity_tenant_id_created_at_id` (`tenant_id`,`created_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `entity`
--

LOCK TABLES `entity` WRITE;
/*!40000 ALTER TABLE `entity` DISABLE KEYS */;
INSERT INTO `entity` VALUES
('acme','Zoë 👩',1795279772916986,1795279772918,1),
('acme','alice',1795279772891329,1795279772894,6),
('globex','alice',1795279772926309,1795279772927,0),
('globex','silent',1795279772955380,1795279772956,0);
/*!40000 ALTER TABLE `entity` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `event`
--

DROP TABLE IF EXISTS `event`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `event` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `fact_id` varchar(191) NOT NULL,
  `action` longtext NOT NULL,
  `reason` longtext NOT NULL,
  `before` longtext DEFAULT NULL,
  `after` longtext DEFAULT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`),
  KEY `ix_event_tenant_id_entity_id_fact_id` (`tenant_id`,`entity_id`,`fact_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `event`
--

LOCK TABLES `event` WRITE;
/*!40000 ALTER TABLE `event` DISABLE KEYS */;
INSERT INTO `event` VALUES
('acme','alice','event-1','fact-1','created','said',NULL,'after 1',1767268809000000),
('acme','alice','event-2','fact-20','created','said','ä','ö',1767268800000000),
('acme','alice','event-3','fact-3','created','said',NULL,NULL,1767268800000000);
/*!40000 ALTER TABLE `event` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `fact`
--

DROP TABLE IF EXISTS `fact`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `fact` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `number` bigint(20) NOT NULL,
  `version` bigint(20) NOT NULL,
  `kind` varchar(191) NOT NULL,
  `state` varchar(191) NOT NULL,
  `text` longtext NOT NULL,
  `tokens` bigint(20) NOT NULL,
  `first_seen` bigint(20) NOT NULL,
  `last_seen` bigint(20) NOT NULL,
  `embedding` longblob DEFAULT NULL,
  `model` longtext DEFAULT NULL,
  `attribute` varchar(191) DEFAULT NULL,
  `value` longtext DEFAULT NULL,
  `value_key` varbinary(255) DEFAULT NULL,
  `speaker` longtext DEFAULT NULL,
  `role` longtext NOT NULL,
  `process_id` longtext DEFAULT NULL,
  `mentions` bigint(20) NOT NULL,
  `valid_from` bigint(20) DEFAULT NULL,
  `valid_to` bigint(20) DEFAULT NULL,
  `superseded_by` longtext DEFAULT NULL,
  `confidence` double NOT NULL,
  `expires_at` bigint(20) DEFAULT NULL,
  `pinned` tinyint(1) NOT NULL,
  `authored` tinyint(1) NOT NULL,
  `meta` longtext DEFAULT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`),
  KEY `ix_fact_tenant_id_entity_id_version` (`tenant_id`,`entity_id`,`version`),
  KEY `ix_fact_tenant_id_entity_id_attribute_value_key` (`tenant_id`,`entity_id`,`attribute`,`value_key`),
  KEY `ix_fact_tenant_id_entity_id_number_state_kind` (`tenant_id`,`entity_id`,`number`,`state`,`kind`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `fact`
--

LOCK TABLES `fact` WRITE;
/*!40000 ALTER TABLE `fact` DISABLE KEYS */;
INSERT INTO `fact` VALUES
('acme','Zoë 👩','fact-1',1,1795279772918,'episode','current','I live in Zürich.',3,1767268800000000,1767268800000000,NULL,NULL,NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL),
('acme','alice','fact-1',4,1795279772893,'profile','superseded','Lives in Berlin 🐻',3,1767268800000000,1767268800000000,0x00BCB7B9DBB692B09230DB36B739003C,'m','home','berlin',0xE2F9FC3898C7AE3E09D0A709FA3D04DE,'Ål','assistant','chat',3,1767268799000000,1767268801000000,'fact-2',0.1,1767268899000001,1,1,'{\"b\":\"ö\",\"a\":\"1\"}'),
('acme','alice','fact-2',6,1795279772894,'episode','current','a\'b\"c\\d\n	e\r\n;--',3,1767268800000000,1767268800000000,NULL,NULL,'home','lisbon',0x7FB456F0614D669A29C3D87540201A5A,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL),
('acme','alice','fact-20',1,1795279772893,'episode','current','I like jazz.',3,1767268800000000,1767268800000000,0x003C0000000000000000000000000000,'m',NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL),
('acme','alice','fact-21',2,1795279772893,'episode','current','I like tea.',3,1767268800000000,1767268800000000,0x0000003C000000000000000000000000,'m',NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL),
('acme','alice','fact-22',3,1795279772893,'episode','current','I like Miso, our kitten.',3,1767268800000000,1767268800000000,0x00000000003C00000000000000000000,'m',NULL,NULL,NULL,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL),
('acme','alice','fact-3',5,1795279772894,'episode','forgotten','',3,1767268800000000,1767268800000000,NULL,NULL,'likes','digest',0x5555BF542EC8581B3ED4443271B62CC4,NULL,'user',NULL,1,NULL,NULL,NULL,1,NULL,0,0,NULL);
/*!40000 ALTER TABLE `fact` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `fact_mention`
--

DROP TABLE IF EXISTS `fact_mention`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `fact_mention` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `fact_id` varchar(191) NOT NULL,
  `message_id` varchar(191) NOT NULL,
  `session_id` longtext NOT NULL,
  `public_id` longtext NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`fact_id`,`message_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `fact_mention`
--

LOCK TABLES `fact_mention` WRITE;
/*!40000 ALTER TABLE `fact_mention` DISABLE KEYS */;
INSERT INTO `fact_mention` VALUES
('acme','alice','fact-1','message-0df333348bb2c4f0605e010b6706f5bb','s2','d'),
('acme','alice','fact-1','message-caec17f4b8159d486ca352209a0fc2d5','s1','x');
/*!40000 ALTER TABLE `fact_mention` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `injection`
--

DROP TABLE IF EXISTS `injection`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `injection` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `session_id` varchar(191) NOT NULL,
  `anchor` varbinary(255) NOT NULL,
  `position` bigint(20) NOT NULL,
  `tokens` bigint(20) NOT NULL,
  `request_id` varchar(191) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `facts` longtext NOT NULL,
  `block` longtext NOT NULL,
  `receipt` longblob NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`session_id`,`anchor`),
  KEY `ix_injection_tenant_id_request_id` (`tenant_id`,`request_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `injection`
--

LOCK TABLES `injection` WRITE;
/*!40000 ALTER TABLE `injection` DISABLE KEYS */;
INSERT INTO `injection` VALUES
('acme','Zoë 👩','s1',0xCAEC17F4B8159D486CA352209A0FC2D5,0,0,'request-2 of Zoë 👩',1767268870000000,'[\"fact-1\",\"fact-2\"]','',0x7B22776879223A205B5D7D),
('acme','Zoë 👩','s2',0x27C35E6E9373877F29E562464E46497E,0,7,'request-1',1767268800000000,'[\"fact-1\",\"fact-2\"]','Known:\n- I drink “tea”\n',0x7B22776879223A20226DC3BC6465227D),
('acme','alice','s1',0xCAEC17F4B8159D486CA352209A0FC2D5,0,0,'request-2 of alice',1767268870000000,'[\"fact-1\",\"fact-2\"]','',0x7B22776879223A205B5D7D),
('acme','alice','s2',0x27C35E6E9373877F29E562464E46497E,0,7,'request-1',1767268800000000,'[\"fact-1\",\"fact-2\"]','Known:\n- I drink “tea”\n',0x7B22776879223A20226DC3BC6465227D),
('globex','alice','s1',0xCAEC17F4B8159D486CA352209A0FC2D5,0,0,'request-2 of alice',1767268870000000,'[\"fact-1\",\"fact-2\"]','',0x7B22776879223A205B5D7D),
('globex','alice','s2',0x27C35E6E9373877F29E562464E46497E,0,7,'request-1',1767268800000000,'[\"fact-1\",\"fact-2\"]','Known:\n- I drink “tea”\n',0x7B22776879223A20226DC3BC6465227D);
/*!40000 ALTER TABLE `injection` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `job`
--

DROP TABLE IF EXISTS `job`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `job` (
  `tenant_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `kind` longtext NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `process_id` longtext DEFAULT NULL,
  `session_id` longtext DEFAULT NULL,
  `created_at` bigint(20) NOT NULL,
  `run_at` bigint(20) NOT NULL,
  `state` varchar(191) NOT NULL,
  `attempts` bigint(20) NOT NULL,
  `lease_until` bigint(20) DEFAULT NULL,
  `worker` longtext DEFAULT NULL,
  `error` longtext DEFAULT NULL,
  `finished_at` bigint(20) DEFAULT NULL,
  `running_entity` varchar(191) GENERATED ALWAYS AS (case when `state` = 'running' then `entity_id` end) VIRTUAL,
  PRIMARY KEY (`tenant_id`,`id`),
  UNIQUE KEY `ix_job_running` (`tenant_id`,`running_entity`),
  KEY `ix_job_state_created_at_id` (`state`,`created_at`,`id`),
  KEY `ix_job_tenant_id_entity_id_created_at_id` (`tenant_id`,`entity_id`,`created_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `job`
--

LOCK TABLES `job` WRITE;
/*!40000 ALTER TABLE `job` DISABLE KEYS */;
INSERT INTO `job` VALUES
('acme','job-0','extract','alice','chat','s1',1767268800000000,1767268800000000,'done',1,NULL,NULL,NULL,1767268806000000,NULL),
('acme','job-1','extract','Zoë 👩','chat','s1',1767268801000000,1767268801000000,'dead',1,NULL,NULL,'no “model”',1767268806000000,NULL),
('acme','job-2','extract','carl','chat','s1',1767268802000000,1767269400000000,'pending',1,NULL,NULL,'away',NULL,NULL),
('acme','job-3','extract','dora','chat','s1',1767268803000000,1767268803000000,'running',1,1767268865000000,'w1',NULL,NULL,'dora'),
('acme','job-4','extract','eve','chat','s1',1767268804000000,1767268804000000,'pending',0,NULL,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `job` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `message`
--

DROP TABLE IF EXISTS `message`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `message` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `session_id` varchar(191) NOT NULL,
  `position` bigint(20) NOT NULL,
  `key` varbinary(255) NOT NULL,
  `role` longtext NOT NULL,
  `name` longtext DEFAULT NULL,
  `external_id` varchar(191) DEFAULT NULL,
  `complete` tinyint(1) NOT NULL,
  `augmented` tinyint(1) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `extra` longblob DEFAULT NULL,
  `text` longtext NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`,`session_id`),
  UNIQUE KEY `ix_message_tenant_id_entity_id_session_id_position` (`tenant_id`,`entity_id`,`session_id`,`position`),
  UNIQUE KEY `ix_message_tenant_id_entity_id_key_session_id` (`tenant_id`,`entity_id`,`key`,`session_id`),
  UNIQUE KEY `ix_message_tenant_id_entity_id_external_id_session_id` (`tenant_id`,`entity_id`,`external_id`,`session_id`),
  KEY `ix_message_unaugmented` (`tenant_id`,`entity_id`,`session_id`,`position`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `message`
--

LOCK TABLES `message` WRITE;
/*!40000 ALTER TABLE `message` DISABLE KEYS */;
INSERT INTO `message` VALUES
('acme','Zoë 👩','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,0x0DF333348BB2C4F0605E010B6706F5BB,'user',NULL,NULL,1,0,1767268880000000,NULL,'d'),
('acme','Zoë 👩','message-303bc537bfec3d3774c26c9bf9813316','s2',0,0x303BC537BFEC3D3774C26C9BF9813316,'user','Ål',NULL,1,1,1767268800000000,NULL,'a\'b\"c\\d\n	e\r\n;--'),
('acme','Zoë 👩','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,0x56F3FDFBB6AD3F3946262235AD782FE5,'user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute '),
('acme','Zoë 👩','message-72b84304de291a2ff5fc9a6475504e40','s2',5,0x72B84304DE291A2FF5FC9A6475504E40,'user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \\N \\.'),
('acme','Zoë 👩','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,0x8B5FA3B4317A85C33E03558CDC2DBF90,'user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬'),
('acme','Zoë 👩','message-96172b4c53372cd10faddc821bfe0318','s2',7,0x96172B4C53372CD10FADDC821BFE0318,'assistant',NULL,'x-1',0,1,1767268809000000,0x7B22746F6F6C5F63616C6C73223A5B5D7D,'b'),
('acme','Zoë 👩','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,0xAAA23663DA8D05FECD3B0DD39CEAF26E,'user','Ål',NULL,1,1,1767268804000000,NULL,' '),
('acme','Zoë 👩','message-cae66941d9efbd404e4d88758ea67670','s2',3,0xCAE66941D9EFBD404E4D88758EA67670,'user','Ål',NULL,1,1,1767268803000000,NULL,''),
('acme','Zoë 👩','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,0xCAEC17F4B8159D486CA352209A0FC2D5,'user',NULL,NULL,1,0,1767268860000000,NULL,'c'),
('acme','Zoë 👩','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,0xED91FD3EA509BD210E83D24B2479E1BE,'user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海'),
('acme','alice','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,0x0DF333348BB2C4F0605E010B6706F5BB,'user',NULL,NULL,1,0,1767268880000000,NULL,'d'),
('acme','alice','message-303bc537bfec3d3774c26c9bf9813316','s2',0,0x303BC537BFEC3D3774C26C9BF9813316,'user','Ål',NULL,1,1,1767268800000000,NULL,'a\'b\"c\\d\n	e\r\n;--'),
('acme','alice','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,0x56F3FDFBB6AD3F3946262235AD782FE5,'user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute '),
('acme','alice','message-72b84304de291a2ff5fc9a6475504e40','s2',5,0x72B84304DE291A2FF5FC9A6475504E40,'user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \\N \\.'),
('acme','alice','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,0x8B5FA3B4317A85C33E03558CDC2DBF90,'user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬'),
('acme','alice','message-96172b4c53372cd10faddc821bfe0318','s2',7,0x96172B4C53372CD10FADDC821BFE0318,'assistant',NULL,'x-1',0,1,1767268809000000,0x7B22746F6F6C5F63616C6C73223A5B5D7D,'b'),
('acme','alice','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,0xAAA23663DA8D05FECD3B0DD39CEAF26E,'user','Ål',NULL,1,1,1767268804000000,NULL,' '),
('acme','alice','message-cae66941d9efbd404e4d88758ea67670','s2',3,0xCAE66941D9EFBD404E4D88758EA67670,'user','Ål',NULL,1,1,1767268803000000,NULL,''),
('acme','alice','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,0xCAEC17F4B8159D486CA352209A0FC2D5,'user',NULL,NULL,1,0,1767268860000000,NULL,'c'),
('acme','alice','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,0xED91FD3EA509BD210E83D24B2479E1BE,'user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海'),
('globex','alice','message-0df333348bb2c4f0605e010b6706f5bb','s2',8,0x0DF333348BB2C4F0605E010B6706F5BB,'user',NULL,NULL,1,0,1767268880000000,NULL,'d'),
('globex','alice','message-303bc537bfec3d3774c26c9bf9813316','s2',0,0x303BC537BFEC3D3774C26C9BF9813316,'user','Ål',NULL,1,1,1767268800000000,NULL,'a\'b\"c\\d\n	e\r\n;--'),
('globex','alice','message-56f3fdfbb6ad3f3946262235ad782fe5','s2',6,0x56F3FDFBB6AD3F3946262235AD782FE5,'user','Ål',NULL,1,1,1767268806000000,NULL,'ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute ümlaute '),
('globex','alice','message-72b84304de291a2ff5fc9a6475504e40','s2',5,0x72B84304DE291A2FF5FC9A6475504E40,'user','Ål',NULL,1,1,1767268805000000,NULL,'%s {} $1 :x \\N \\.'),
('globex','alice','message-8b5fa3b4317a85c33e03558cdc2dbf90','s2',1,0x8B5FA3B4317A85C33E03558CDC2DBF90,'user','Ål',NULL,1,1,1767268801000000,NULL,'👩‍👩‍👧‍👦 é ‮abc‬'),
('globex','alice','message-96172b4c53372cd10faddc821bfe0318','s2',7,0x96172B4C53372CD10FADDC821BFE0318,'assistant',NULL,'x-1',0,1,1767268809000000,0x7B22746F6F6C5F63616C6C73223A5B5D7D,'b'),
('globex','alice','message-aaa23663da8d05fecd3b0dd39ceaf26e','s2',4,0xAAA23663DA8D05FECD3B0DD39CEAF26E,'user','Ål',NULL,1,1,1767268804000000,NULL,' '),
('globex','alice','message-cae66941d9efbd404e4d88758ea67670','s2',3,0xCAE66941D9EFBD404E4D88758EA67670,'user','Ål',NULL,1,1,1767268803000000,NULL,''),
('globex','alice','message-caec17f4b8159d486ca352209a0fc2d5','s1',0,0xCAEC17F4B8159D486CA352209A0FC2D5,'user',NULL,NULL,1,0,1767268860000000,NULL,'c'),
('globex','alice','message-ed91fd3ea509bd210e83d24b2479e1be','s2',2,0xED91FD3EA509BD210E83D24B2479E1BE,'user','Ål',NULL,1,1,1767268802000000,NULL,'مرحبا 王小明住在上海');
/*!40000 ALTER TABLE `message` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `process`
--

DROP TABLE IF EXISTS `process`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `process` (
  `tenant_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `process`
--

LOCK TABLES `process` WRITE;
/*!40000 ALTER TABLE `process` DISABLE KEYS */;
INSERT INTO `process` VALUES
('acme','app',1795279772917936),
('acme','chat',1795279772896596),
('globex','chat',1795279772927499);
/*!40000 ALTER TABLE `process` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `provider_key`
--

DROP TABLE IF EXISTS `provider_key`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `provider_key` (
  `tenant_id` varchar(191) NOT NULL,
  `provider` varchar(191) NOT NULL,
  `sealed` longblob NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`provider`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `provider_key`
--

LOCK TABLES `provider_key` WRITE;
/*!40000 ALTER TABLE `provider_key` DISABLE KEYS */;
/*!40000 ALTER TABLE `provider_key` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `session`
--

DROP TABLE IF EXISTS `session`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `session` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `process_id` longtext DEFAULT NULL,
  `created_at` bigint(20) NOT NULL,
  `last_at` bigint(20) NOT NULL,
  `messages` bigint(20) NOT NULL,
  `injections` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`),
  KEY `ix_session_tenant_id_entity_id_created_at_id` (`tenant_id`,`entity_id`,`created_at`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `session`
--

LOCK TABLES `session` WRITE;
/*!40000 ALTER TABLE `session` DISABLE KEYS */;
INSERT INTO `session` VALUES
('acme','Zoë 👩','s1',NULL,1767268860000000,1767268860000000,1,1),
('acme','Zoë 👩','s2','app',1767268800000000,1767268880000000,9,1),
('acme','alice','s1',NULL,1767268860000000,1767268860000000,1,1),
('acme','alice','s2','chat',1767268800000000,1767268880000000,9,1),
('globex','alice','s1',NULL,1767268860000000,1767268860000000,1,1),
('globex','alice','s2','chat',1767268800000000,1767268880000000,9,1);
/*!40000 ALTER TABLE `session` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `summary`
--

DROP TABLE IF EXISTS `summary`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `summary` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `session_id` varchar(191) NOT NULL,
  `text` longtext NOT NULL,
  `position` bigint(20) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`),
  KEY `ix_summary_tenant_id_entity_id_session_id` (`tenant_id`,`entity_id`,`session_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `summary`
--

LOCK TABLES `summary` WRITE;
/*!40000 ALTER TABLE `summary` DISABLE KEYS */;
/*!40000 ALTER TABLE `summary` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `tenant`
--

DROP TABLE IF EXISTS `tenant`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `tenant` (
  `id` varchar(191) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  `earliest` bigint(20) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `tenant`
--

LOCK TABLES `tenant` WRITE;
/*!40000 ALTER TABLE `tenant` DISABLE KEYS */;
INSERT INTO `tenant` VALUES
('acme',1795279772891654,0),
('globex',1795279772926459,0),
('only keys',1795279772959615,0);
/*!40000 ALTER TABLE `tenant` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `triple`
--

DROP TABLE IF EXISTS `triple`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `triple` (
  `tenant_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `id` varchar(191) NOT NULL,
  `fact_id` varchar(191) NOT NULL,
  `subject` longtext NOT NULL,
  `predicate` longtext NOT NULL,
  `object` longtext NOT NULL,
  PRIMARY KEY (`tenant_id`,`entity_id`,`id`),
  KEY `ix_triple_tenant_id_entity_id_fact_id` (`tenant_id`,`entity_id`,`fact_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `triple`
--

LOCK TABLES `triple` WRITE;
/*!40000 ALTER TABLE `triple` DISABLE KEYS */;
INSERT INTO `triple` VALUES
('acme','alice','triple-1','fact-20','Alice','lives in','town 1'),
('acme','alice','triple-2','fact-1','Alice','lives in','town 2');
/*!40000 ALTER TABLE `triple` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `usage`
--

DROP TABLE IF EXISTS `usage`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `usage` (
  `tenant_id` varchar(191) NOT NULL,
  `request_id` varchar(191) NOT NULL,
  `entity_id` varchar(191) NOT NULL,
  `session_id` longtext NOT NULL,
  `process_id` longtext DEFAULT NULL,
  `model` longtext NOT NULL,
  `prompt_tokens` bigint(20) NOT NULL,
  `completion_tokens` bigint(20) NOT NULL,
  `created_at` bigint(20) NOT NULL,
  PRIMARY KEY (`tenant_id`,`request_id`),
  KEY `ix_usage_tenant_id_entity_id` (`tenant_id`,`entity_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `usage`
--

LOCK TABLES `usage` WRITE;
/*!40000 ALTER TABLE `usage` DISABLE KEYS */;
INSERT INTO `usage` VALUES
('acme','request-2026-01-01T12:00:00+00:00','alice','s2','chat','gpt',12,34,1767268800000000),
('globex','request-2026-01-01T12:00:00+00:00','alice','s2','chat','gpt',12,34,1767268800000000);
/*!40000 ALTER TABLE `usage` ENABLE KEYS */;
UNLOCK TABLES;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed
