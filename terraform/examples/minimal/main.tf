# A bucket and a role that may use it, and nothing else: the metadata stays in SQL (DATABASE_URL).

terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "image-service", Environment = "development" }
  }
}

module "storage" {
  source = "../../modules/storage"

  bucket_name         = var.bucket_name
  environment         = "development"
  notifications       = false
  deletion_protection = false
}

module "identity" {
  source = "../../modules/identity"

  name       = "images-minimal"
  bucket_arn = module.storage.bucket_arn
}
