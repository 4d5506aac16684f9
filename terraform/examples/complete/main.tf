# Everything: the service behind its load balancer with a firewall, copies in a second region, CloudFront, alarms and the
# roles of the pipelines.

terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

locals {
  tags = { Project = "image-service", Environment = var.environment }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "second"
  region = var.second_region

  default_tags {
    tags = local.tags
  }
}

# The copy is a bucket of the same kind. Nobody uploads to it, so there is nothing to announce.
module "replica" {
  source    = "../../modules/storage"
  providers = { aws = aws.second }

  bucket_name         = "${var.bucket_name}-copy"
  environment         = var.environment
  encryption          = "aws:kms"
  notifications       = false
  deletion_protection = var.deletion_protection
}

module "secret" {
  source = "../../modules/secret"

  name          = "${var.name}/secret-key"
  key_version   = var.secret_key_version
  recovery_days = var.deletion_protection ? 30 : 0
}

module "image_service" {
  source = "../.."

  name                = var.name
  environment         = var.environment
  bucket_name         = var.bucket_name
  deletion_protection = var.deletion_protection
  teardown            = var.teardown

  storage = {
    encryption      = "aws:kms"
    allowed_origins = ["https://${var.domain_name}"]
  }

  replication = {
    bucket_arn  = module.replica.bucket_arn
    kms_key_arn = module.replica.kms_key_arn
  }

  service = {
    domain_name        = var.domain_name
    certificate_arn    = var.certificate_arn
    image_digest       = var.image_digest
    image_repository   = var.image_repository
    secret_key_arn     = module.secret.arn
    availability_zones = ["${var.region}a", "${var.region}b"]
    ingress_cidrs      = var.ingress_cidrs
    allow_anonymous    = var.allow_anonymous
    firewall           = {}
  }

  alarms = {
    emails = var.alarm_emails
  }

  github   = var.github
  delivery = var.delivery
}
