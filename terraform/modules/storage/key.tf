# The bucket's own KMS key, where encryption = aws:kms and no key was named.

resource "aws_kms_key" "this" {
  count                   = local.make_key ? 1 : 0
  description             = "Images in ${var.bucket_name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
}

resource "aws_kms_alias" "this" {
  count         = local.make_key ? 1 : 0
  name          = "alias/${var.bucket_name}"
  target_key_id = aws_kms_key.this[0].key_id
}

locals {
  administer = {
    Sid       = "LetTheAccountAdministerByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
    Action = [
      "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey",
      "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListResourceTags",
      "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
      "kms:UpdateAlias", "kms:UpdateKeyDescription",
    ]
    Resource = "*" # in a key policy: this key
  }

  # Roles need the same actions in their own policies; this statement alone gives nobody anything.
  use_through_s3 = {
    Sid       = "LetTheAccountUseItThroughS3ByIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
    Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
    Resource  = "*"
    Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
  }

  cloudfront_decrypts = {
    Sid       = "LetCloudFrontDecrypt"
    Effect    = "Allow"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Action    = "kms:Decrypt"
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceArn" = var.cloudfront_distribution_arns } }
  }

  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.administer, local.use_through_s3],
      [for statement in [local.cloudfront_decrypts] : statement if length(var.cloudfront_distribution_arns) > 0],
    )
  })
}
