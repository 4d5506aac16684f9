# Access logs: who read and wrote what, kept in a bucket that only S3 and load balancers write to.

locals {
  logs_name = "${var.bucket_name}-logs"
  logs_arn  = "arn:${local.partition}:s3:::${local.logs_name}"
}

resource "aws_s3_bucket" "logs" {
  #checkov:skip=CKV_AWS_18:A log of the log's own deliveries would never end.
  #checkov:skip=CKV_AWS_21:Logs are written once and expire; nothing changes or removes them before.
  #checkov:skip=CKV_AWS_144:Logs are for investigations in this region; the images are what replication is for.
  #checkov:skip=CKV_AWS_145:Load balancers can not write logs to a bucket that is encrypted with a KMS key.
  #checkov:skip=CKV2_AWS_62:Nobody waits for a log file.
  bucket        = local.logs_name
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_server_side_encryption_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "logs" {
  bucket = aws_s3_bucket.logs.id

  rule {
    id     = "expire-logs"
    status = "Enabled"
    filter {}

    expiration {
      days = var.access_log_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

locals {
  log_writers = concat(
    [{
      Sid       = "LetS3WriteAccessLogs"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${local.logs_arn}/s3/*"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local.bucket_arn }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }],
    [for prefix in ["alb"] : {
      Sid       = "LetLoadBalancersWriteAccessLogs"
      Effect    = "Allow"
      Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${local.logs_arn}/${prefix}/AWSLogs/${local.account}/*"
      Condition = {
        ArnLike = { "aws:SourceArn" = "arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:loadbalancer/*" }
      }
    } if var.load_balancer_logs],
  )
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.log_writers, [{
      Sid       = "RefusePlainHttp"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.logs_arn, "${local.logs_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }])
  })

  depends_on = [aws_s3_bucket_public_access_block.logs]
}
