# A copy of every version below images/ in another region; what is pending is not worth one.

resource "aws_iam_role" "replication" {
  count = var.replication == null ? 0 : 1
  name  = "${var.bucket_name}-replication"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetS3Replicate"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local.bucket_arn }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

locals {
  replica_arn = try(var.replication.bucket_arn, null)

  replicate = [
    {
      Sid      = "ReadTheBucket"
      Effect   = "Allow"
      Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
      Resource = local.bucket_arn
    },
    {
      Sid      = "ReadVersions"
      Effect   = "Allow"
      Action   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
      Resource = "${local.bucket_arn}/images/*"
    },
    {
      Sid      = "WriteCopies"
      Effect   = "Allow"
      Action   = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
      Resource = "${coalesce(local.replica_arn, local.bucket_arn)}/images/*"
    },
  ]

  replicate_encrypted = [
    {
      Sid       = "DecryptHere"
      Effect    = "Allow"
      Action    = "kms:Decrypt"
      Resource  = local.kms_key_arn
      Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
    },
    {
      Sid      = "EncryptThere"
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:GenerateDataKey"]
      Resource = try(var.replication.kms_key_arn, null)
    },
  ]
}

resource "aws_iam_role_policy" "replication" {
  count = var.replication == null ? 0 : 1
  name  = "replicate"
  role  = aws_iam_role.replication[0].id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.replicate, [for statement in local.replicate_encrypted : statement if local.kms])
  })
}

resource "aws_s3_bucket_replication_configuration" "this" {
  count  = var.replication == null ? 0 : 1
  bucket = aws_s3_bucket.this.id
  role   = aws_iam_role.replication[0].arn

  rule {
    id     = "images"
    status = "Enabled"

    filter {
      prefix = "images/"
    }

    delete_marker_replication {
      status = "Enabled"
    }

    dynamic "source_selection_criteria" {
      for_each = local.kms ? [true] : []

      content {
        sse_kms_encrypted_objects {
          status = "Enabled"
        }
      }
    }

    destination {
      bucket = var.replication.bucket_arn

      dynamic "encryption_configuration" {
        for_each = local.kms ? [true] : []

        content {
          replica_kms_key_id = var.replication.kms_key_arn
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this, aws_iam_role_policy.replication]
}
