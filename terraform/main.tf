# One environment of the image service. With service = null: the bucket, the table and the role, for a service that runs
# elsewhere.

data "aws_region" "current" {}

locals {
  serves        = var.service == null ? 0 : 1
  service_names = { web = "${var.name}-web", ingest = "${var.name}-ingest" }
}

module "storage" {
  source = "./modules/storage"

  bucket_name                  = var.bucket_name
  environment                  = var.environment
  encryption                   = var.storage.encryption
  kms_key_arn                  = var.storage.kms_key_arn
  allowed_origins              = var.storage.allowed_origins
  pending_expiration_days      = var.storage.pending_expiration_days
  noncurrent_version_days      = var.storage.noncurrent_version_days
  intelligent_tiering_days     = var.storage.intelligent_tiering_days
  access_log_days              = var.storage.access_log_days
  replication                  = var.replication
  load_balancer_logs           = var.service != null
  cloudfront_distribution_arns = module.delivery[*].distribution_arn
  deletion_protection          = var.deletion_protection
}

module "metadata" {
  source = "./modules/metadata"

  table_name          = var.name
  deletion_protection = var.deletion_protection
}

module "identity" {
  source = "./modules/identity"

  name                     = var.name
  bucket_arn               = module.storage.bucket_arn
  bucket_key               = var.storage.encryption == "aws:kms" ? { arn = module.storage.kms_key_arn } : null
  table                    = { arn = module.metadata.table_arn, indexes = module.metadata.index_names }
  queue                    = { arn = module.storage.queue_arn }
  permissions_boundary_arn = var.permissions_boundary_arn

  execution = var.service == null ? null : {
    repository_arn = module.service[0].repository_arn
    secret_arns    = [var.service.secret_key_arn]
    log_group_arns = module.service[0].log_group_arns
  }

  github = var.github
  deployment = var.github == null ? null : {
    repository_arn = module.service[0].repository_arn
    cluster_name   = var.name
    service_names  = values(local.service_names)
    families       = values(local.service_names)
    alarm_prefix   = var.name
  }
}

module "network" {
  source = "./modules/network"
  count  = local.serves

  name               = var.name
  cidr               = var.service.cidr
  availability_zones = var.service.availability_zones
  bucket_arn         = module.storage.bucket_arn
  table_arn          = module.metadata.table_arn
  flow_log_days      = var.service.log_days
}

module "service" {
  source = "./modules/service"
  count  = local.serves

  name                    = var.name
  environment             = var.environment
  image_repository        = var.service.image_repository
  image_digest            = var.service.image_digest
  cpu                     = var.service.cpu
  memory                  = var.service.memory
  min_tasks               = var.service.min_tasks
  max_tasks               = var.service.max_tasks
  cpu_target              = var.service.cpu_target
  requests_target         = var.service.requests_target
  domain_name             = var.service.domain_name
  certificate_arn         = var.service.certificate_arn
  ingress_cidrs           = var.service.ingress_cidrs
  ingress_prefix_list_ids = var.service.ingress_prefix_list_ids
  auth                    = var.service.auth
  allow_anonymous         = var.service.allow_anonymous
  settings                = var.service.settings
  log_days                = var.service.log_days
  firewall                = var.service.firewall
  secret_key_arn          = var.service.secret_key_arn
  table_name              = module.metadata.table_name
  task_role_arn           = module.identity.task_role_arn
  execution_role_arn      = module.identity.execution_role_arn
  rollback_alarm_names    = module.observation[0].rollback_alarm_names
  deletion_protection     = var.deletion_protection

  storage = {
    bucket_name     = module.storage.bucket_name
    log_bucket_name = module.storage.log_bucket_name
    queue_url       = module.storage.queue_url
  }

  network = {
    vpc_id                     = module.network[0].vpc_id
    public_subnet_ids          = module.network[0].public_subnet_ids
    private_subnet_ids         = module.network[0].private_subnet_ids
    endpoint_security_group_id = module.network[0].endpoint_security_group_id
    prefix_list_ids            = module.network[0].prefix_list_ids
  }
}

module "delivery" {
  source = "./modules/delivery"
  count  = var.delivery == null ? 0 : 1

  name            = var.name
  domain_name     = var.delivery.domain_name
  certificate_arn = var.delivery.certificate_arn
  key_group_ids   = var.delivery.key_group_ids
  price_class     = var.delivery.price_class
  web_acl_arn     = var.delivery.web_acl_arn

  bucket = {
    name                 = module.storage.bucket_name
    regional_domain_name = module.storage.bucket_regional_domain_name
  }
}

module "observation" {
  source = "./modules/observation"
  count  = local.serves

  name            = var.name
  cluster_name    = var.name
  service_names   = local.service_names
  table_name      = module.metadata.table_name
  emails          = var.alarms.emails
  topic_arns      = var.alarms.topic_arns
  latency_seconds = var.alarms.latency_seconds
  errors_percent  = var.alarms.errors_percent

  balancer = {
    arn_suffix   = module.service[0].balancer.arn_suffix
    target_group = module.service[0].balancer.target_group
  }

  queues = {
    arrivals     = module.storage.queue_name
    dead_letters = module.storage.dead_letter_queue_name
  }
}
