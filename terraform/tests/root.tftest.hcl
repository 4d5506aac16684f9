mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  name        = "images-test"
  environment = "production"
  bucket_name = "acme-images"
}

run "as_it_comes" {
  command = plan

  assert {
    condition     = output.repository_url == null && output.deployment == null && output.load_balancer == null && output.cdn_dns_name == null
    error_message = "More was made."
  }

  assert {
    condition     = keys(output.settings) == ["AWS_REGION", "DYNAMO_TABLE", "INGEST_QUEUE_URL", "S3_BUCKET"]
    error_message = "Settings are missing."
  }
}

run "with_a_service_everything_is_there" {
  command = plan

  variables {
    service = {
      domain_name        = "images.example.org"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      ingress_cidrs      = ["203.0.113.0/24"]
      allow_anonymous    = true
      secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
    }
    alarms = { emails = ["on-call@example.org"] }
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production", build_environment = "build" }
  }

  assert {
    condition     = output.deployment.cluster == "images-test" && output.deployment.services == { web = "images-test-web", ingest = "images-test-ingest" }
    error_message = "The pipeline would deploy elsewhere."
  }

  assert {
    condition     = toset(keys(output.github_role_arns)) == toset(["build", "deploy"])
    error_message = "A role is missing."
  }

  assert {
    condition     = toset(output.deployment.alarms) == toset(["images-test-errors", "images-test-latency"])
    error_message = "No alarm rolls back."
  }
}

run "cloudfront_is_let_into_the_bucket" {
  command = plan

  variables {
    delivery = { domain_name = "cdn.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111", key_group_ids = ["11111111-1111-1111-1111-111111111111"] }
  }

  assert {
    condition     = output.cdn_dns_name != null
    error_message = "No distribution."
  }
}

run "refuses_bad_values_1" {
  command = plan

  variables {
    # prefix with capitals
    name = "Images"
    # environment that nobody knows
    environment = "live"
    # bucket with an underscore
    bucket_name = "acme_images"
    # key of another region
    storage = { encryption = "aws:kms", kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
    # github without a service
    github = { repository = "acme/image-service", owner_id = "11", repository_id = "22", environment = "production" }
    # boundary that is no arn
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [
    var.name,
    var.environment,
    var.bucket_name,
    var.storage,
    var.github,
    var.permissions_boundary_arn,
  ]
}

run "refuses_copy_encrypted_with_a_key_of_here" {
  command = plan

  variables {
    storage = { encryption = "aws:kms" }
    # copy encrypted with a key of here
    replication = { bucket_arn = "arn:aws:s3:::acme-images-copy", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }

  expect_failures = [var.replication]
}

run "refuses_zones_of_another_region" {
  command = plan

  variables {
    alarms = { emails = ["on-call@example.org"] }
    # zones of another region
    service = {
      domain_name        = "images.example.org"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
      availability_zones = ["us-east-1a", "us-east-1b"]
      ingress_cidrs      = ["203.0.113.0/24"]
      allow_anonymous    = true
      secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
    }
  }

  expect_failures = [var.service]
}

run "refuses_certificate_of_another_region" {
  command = plan

  variables {
    alarms = { emails = ["on-call@example.org"] }
    # certificate of another region
    service = {
      domain_name        = "images.example.org"
      certificate_arn    = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      ingress_cidrs      = ["203.0.113.0/24"]
      allow_anonymous    = true
      secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
    }
  }

  expect_failures = [var.service]
}

run "refuses_alarms_that_nobody_hears" {
  command = plan

  variables {
    service = {
      domain_name        = "images.example.org"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      ingress_cidrs      = ["203.0.113.0/24"]
      allow_anonymous    = true
      secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
    }
    # alarms that nobody hears
    alarms = {}
  }

  expect_failures = [var.alarms]
}

run "refuses_one_name_for_two" {
  command = plan

  variables {
    service = {
      domain_name        = "images.example.org"
      certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      image_digest       = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      ingress_cidrs      = ["203.0.113.0/24"]
      allow_anonymous    = true
      secret_key_arn     = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:images-test/secret-key"
    }
    alarms = { emails = ["on-call@example.org"] }
    # one name for two
    delivery = { domain_name = "images.example.org", certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111", key_group_ids = ["11111111-1111-1111-1111-111111111111"] }
  }

  expect_failures = [var.delivery]
}

run "refuses_to_lose_its_protection_unconfirmed" {
  command = plan

  variables {
    deletion_protection = false # without teardown, in production
  }

  expect_failures = [var.deletion_protection]
}

run "loses_its_protection_when_confirmed" {
  command = plan

  variables {
    deletion_protection = false
    teardown            = true
  }

  assert {
    condition     = output.repository_url == null
    error_message = "A confirmed teardown is refused."
  }
}
