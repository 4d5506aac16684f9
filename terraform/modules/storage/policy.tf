# Who may do what to the bucket, beyond what the roles' own policies say. Denials hold for everybody, administrators too.
# A wildcard action stands in one place, a denial: naming its actions would let tomorrow's ones through.

locals {
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket_name}"

  refuse_plain_http = {
    Sid       = "RefusePlainHttp"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:*"
    Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  # A write without the header gets the bucket's own encryption, so only a header that says otherwise is refused: with
  # StringNotEquals alone, every presigned upload would be.
  refuse_wrong_encryption = {
    Sid       = "RefuseWrongEncryption"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = "${local.bucket_arn}/*"
    Condition = {
      Null            = { "s3:x-amz-server-side-encryption" = "false" }
      StringNotEquals = { "s3:x-amz-server-side-encryption" = var.encryption }
    }
  }

  refuse_keys_of_customers = {
    Sid       = "RefuseKeysOfCustomers"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = "${local.bucket_arn}/*"
    Condition = { Null = { "s3:x-amz-server-side-encryption-customer-algorithm" = "false" } }
  }

  refuse_other_kms_keys = {
    Sid       = "RefuseOtherKmsKeys"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = "${local.bucket_arn}/*"
    Condition = {
      Null            = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "false" }
      StringNotEquals = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = local.kms_key_arn }
    }
  }

  # "aws:kms" without a key id means the account's key aws/s3, not the bucket's.
  refuse_the_account_key = {
    Sid       = "RefuseTheAccountKey"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:PutObject"
    Resource  = "${local.bucket_arn}/*"
    Condition = {
      StringEquals = { "s3:x-amz-server-side-encryption" = "aws:kms" }
      Null         = { "s3:x-amz-server-side-encryption-aws-kms-key-id" = "true" }
    }
  }

  # Destroying with Terraform removes this policy first; a hand that slips in the console does not.
  refuse_removal = {
    Sid       = "RefuseRemovalOfTheBucket"
    Effect    = "Deny"
    Principal = "*"
    Action    = "s3:DeleteBucket"
    Resource  = local.bucket_arn
  }

  # modules/delivery hands versionId on, and a read that names a version asks for a permission of its own.
  let_cloudfront_read = {
    Sid       = "LetCloudFrontRead"
    Effect    = "Allow"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Action    = ["s3:GetObject", "s3:GetObjectVersion"]
    Resource  = "${local.bucket_arn}/images/*"
    Condition = { StringEquals = { "aws:SourceArn" = var.cloudfront_distribution_arns } }
  }

  bucket_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.refuse_plain_http, local.refuse_wrong_encryption, local.refuse_keys_of_customers],
      [for statement in [local.refuse_other_kms_keys, local.refuse_the_account_key] : statement if local.kms],
      [for statement in [local.refuse_removal] : statement if var.deletion_protection],
      [for statement in [local.let_cloudfront_read] : statement if length(var.cloudfront_distribution_arns) > 0],
    )
  })
}
