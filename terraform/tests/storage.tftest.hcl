mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  bucket_name = "acme-images"
  environment = "production"
}

run "as_it_comes" {
  command = plan

  module {
    source = "./modules/storage"
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps no versions."
  }

  assert {
    condition     = alltrue([for block in [aws_s3_bucket_public_access_block.this, aws_s3_bucket_public_access_block.logs] : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "A bucket can become public."
  }

  assert {
    condition     = alltrue([for control in [aws_s3_bucket_ownership_controls.this, aws_s3_bucket_ownership_controls.logs] : control.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "Access control lists count."
  }

  assert {
    condition     = aws_s3_bucket_logging.this.target_bucket == aws_s3_bucket.logs.id && aws_s3_bucket.logs.bucket == "acme-images-logs"
    error_message = "Access is not logged."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "destroy would remove images."
  }

  assert {
    condition     = [for sid in ["RefusePlainHttp", "RefuseWrongEncryption", "RefuseKeysOfCustomers", "RefuseRemovalOfTheBucket"] : ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })[sid].Effect] == ["Deny", "Deny", "Deny", "Deny"]
    error_message = "A denial is missing."
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["RefusePlainHttp"].Condition.Bool["aws:SecureTransport"] == "false" && length(({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["RefusePlainHttp"].Resource) == 2
    error_message = "Plain HTTP is not refused for the bucket and its objects."
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["RefuseWrongEncryption"].Condition.Null["s3:x-amz-server-side-encryption"] == "false"
    error_message = "A presigned upload, which names no encryption, would be refused."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Effect == "Deny"])
    error_message = "The policy lets somebody in."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "Not SSE-S3."
  }

  assert {
    condition     = length(aws_kms_key.this) == 0
    error_message = "A key was made that nobody uses."
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0
    error_message = "There is a CORS rule."
  }

  assert {
    condition     = one(aws_s3_bucket_notification.this[0].queue).filter_prefix == "pending/"
    error_message = "Other objects are announced as well."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.arrivals[0].redrive_policy).maxReceiveCount == 5
    error_message = "Bad messages come back for ever."
  }

  assert {
    condition     = aws_sqs_queue.arrivals[0].sqs_managed_sse_enabled && aws_sqs_queue.dead_letters[0].sqs_managed_sse_enabled
    error_message = "A queue is not encrypted."
  }

  assert {
    condition     = aws_sqs_queue.dead_letters[0].message_retention_seconds == 1209600
    error_message = "Dead letters vanish before somebody looks."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.arrivals[0].policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:s3:::acme-images"
    error_message = "Other buckets may announce."
  }
}

run "encryption_by_kms_makes_a_key_and_uses_it" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    encryption = "aws:kms"
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Every object would cost a call of KMS."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this[0].arn
    error_message = "Another key encrypts."
  }

  assert {
    condition     = aws_kms_key.this[0].enable_key_rotation
    error_message = "The key is never rotated."
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["RefuseOtherKmsKeys"].Condition.StringNotEquals["s3:x-amz-server-side-encryption-aws-kms-key-id"] == aws_kms_key.this[0].arn
    error_message = "Other keys are taken."
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["RefuseTheAccountKey"].Effect == "Deny"
    error_message = "The account key aws/s3 is taken."
  }
}

run "a_key_of_ones_own_is_used" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    encryption  = "aws:kms"
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-2222-2222-222222222222"
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && output.kms_key_arn == var.kms_key_arn
    error_message = "The named key is not used."
  }
}

run "lifecycle_ends_what_nobody_needs" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    pending_expiration_days  = 3
    noncurrent_version_days  = 90
    intelligent_tiering_days = 45
  }

  assert {
    condition     = one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["abort-unfinished-uploads"].abort_incomplete_multipart_upload).days_after_initiation == 1
    error_message = "Unfinished uploads stay."
  }

  assert {
    condition     = one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["expire-pending"].expiration).days == 3 && one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["expire-pending"].filter).prefix == "pending/"
    error_message = "What is pending stays."
  }

  assert {
    condition     = one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["expire-noncurrent-versions"].noncurrent_version_expiration).noncurrent_days == 90 && one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["expire-noncurrent-versions"].filter).prefix == "images/"
    error_message = "Former versions stay."
  }

  assert {
    condition     = one(({ for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => rule })["intelligent-tiering"].transition).days == 45
    error_message = "Images do not move."
  }
}

run "zero_keeps_versions_for_ever_and_images_in_standard" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    noncurrent_version_days  = 0
    intelligent_tiering_days = 0
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id if rule.status == "Enabled"] == ["abort-unfinished-uploads", "expire-pending"]
    error_message = "A rule is left that 0 should have switched off."
  }
}

run "browsers_of_named_pages_may_upload" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    allowed_origins = ["https://images.example.org"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_origins == toset(["https://images.example.org"])
    error_message = "Another page may upload, or this one not."
  }

  assert {
    condition     = contains(one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_methods, "PUT") && contains(one(aws_s3_bucket_cors_configuration.this[0].cors_rule).allowed_methods, "POST")
    error_message = "PUT or POST is missing."
  }
}

run "development_may_allow_every_origin" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    environment     = "development"
    allowed_origins = ["*", "http://localhost:5000"]
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 1
    error_message = "Development is as strict as production."
  }
}

run "notifications_can_be_left_out" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    notifications = false
  }

  assert {
    condition     = output.queue_url == null && length(aws_s3_bucket_notification.this) == 0
    error_message = "There is a queue."
  }
}

run "a_copy_goes_to_the_other_region" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    encryption  = "aws:kms"
    replication = { bucket_arn = "arn:aws:s3:::acme-images-copy", kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  }

  assert {
    condition     = one(aws_s3_bucket_replication_configuration.this[0].rule).destination[0].bucket == "arn:aws:s3:::acme-images-copy"
    error_message = "No copy."
  }

  assert {
    condition     = one(one(aws_s3_bucket_replication_configuration.this[0].rule).destination[0].encryption_configuration).replica_kms_key_id == var.replication.kms_key_arn
    error_message = "The copy is encrypted with no key of its region."
  }

  assert {
    condition     = one(one(aws_s3_bucket_replication_configuration.this[0].rule).delete_marker_replication).status == "Enabled"
    error_message = "A deleted image lives on in the copy."
  }

  assert {
    condition     = one(one(aws_s3_bucket_replication_configuration.this[0].rule).filter).prefix == "images/"
    error_message = "What is pending is copied."
  }
}

run "one_distribution_may_read_images" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    cloudfront_distribution_arns = ["arn:aws:cloudfront::123456789012:distribution/EXAMPLE1"]
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["LetCloudFrontRead"].Resource == "arn:aws:s3:::acme-images/images/*" && ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["LetCloudFrontRead"].Condition.StringEquals["aws:SourceArn"] == ["arn:aws:cloudfront::123456789012:distribution/EXAMPLE1"]
    error_message = "CloudFront may read more or less than images/."
  }

  assert {
    condition     = ({ for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid => statement })["LetCloudFrontRead"].Action == ["s3:GetObject", "s3:GetObjectVersion"]
    error_message = "Of the addresses that delivery caches, those with a versionId are refused."
  }
}

run "refuses_bad_values_1" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # bucket name with capitals
    bucket_name = "Acme_Images"
    # unknown environment
    environment = "prod"
    # unknown encryption
    encryption = "aes256"
  }

  expect_failures = [var.bucket_name, var.environment, var.encryption]
}

run "refuses_bad_values_2" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # bucket name with dots
    bucket_name = "acme.images"
    # origin with a path
    allowed_origins = ["https://images.example.org/upload"]
  }

  expect_failures = [var.bucket_name, var.allowed_origins]
}

run "refuses_bucket_name_too_long_for_its_logs" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # bucket name too long for its logs
    bucket_name = "a123456789-123456789-123456789-123456789-123456789-12345678"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_bucket_name_that_s3_reserves" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # bucket name that s3 reserves
    bucket_name = "xn--images"
  }

  expect_failures = [var.bucket_name]
}

run "refuses_kms_alias" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    encryption = "aws:kms"
    # kms alias
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/images"
  }

  expect_failures = [var.kms_key_arn]
}

run "refuses_bad_values_6" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # key without kms
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111"
    # every origin in production
    allowed_origins = ["*"]
    # no day for pending
    pending_expiration_days = 0
    # negative days for versions
    noncurrent_version_days = -1
    # negative days for tiering
    intelligent_tiering_days = -1
    # a week of access logs
    access_log_days = 7
    # visibility below an examination
    visibility_timeout = 5
    # one try for a message
    max_receive_count = 1
    # replication to itself
    replication = { bucket_arn = "arn:aws:s3:::acme-images" }
    # every distribution
    cloudfront_distribution_arns = ["arn:aws:cloudfront::123456789012:distribution/*"]
  }

  expect_failures = [
    var.kms_key_arn,
    var.allowed_origins,
    var.pending_expiration_days,
    var.noncurrent_version_days,
    var.intelligent_tiering_days,
    var.access_log_days,
    var.visibility_timeout,
    var.max_receive_count,
    var.replication,
    var.cloudfront_distribution_arns,
  ]
}

run "refuses_bad_values_7" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    # plain http origin in production
    allowed_origins = ["http://images.example.org"]
    # half a day for pending
    pending_expiration_days = 1.5
    # replication to a name
    replication = { bucket_arn = "acme-images-copy" }
  }

  expect_failures = [var.allowed_origins, var.pending_expiration_days, var.replication]
}

run "refuses_replication_with_kms_and_no_key_there" {
  command = plan

  module {
    source = "./modules/storage"
  }

  variables {
    encryption = "aws:kms"
    # replication with kms and no key there
    replication = { bucket_arn = "arn:aws:s3:::acme-images-copy" }
  }

  expect_failures = [var.replication]
}
