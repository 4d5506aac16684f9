# What the service itself may do. Each action is one that services/storage and services/metadata call; nothing else.

resource "aws_iam_role" "task" {
  name                 = "${var.name}-task"
  description          = "What the image service may do"
  assume_role_policy   = local.trust_of_tasks
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "task" {
  name   = "service"
  role   = aws_iam_role.task.id
  policy = local.task_policy
}

locals {
  task_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.task_on_the_bucket,
      local.task_on_objects,
      [for statement in [local.task_on_the_bucket_key] : statement if var.bucket_key != null],
      [for statement in local.task_on_the_table : statement if var.table != null],
      [for statement in [local.task_on_the_queue] : statement if var.queue != null],
    )
  })

  task_on_the_bucket = [
    {
      Sid    = "ListImagesAndPending"
      Effect = "Allow"
      Action = "s3:ListBucketVersions"
      Condition = {
        StringLike = { "s3:prefix" = ["images/*", "pending/*"] }
      }
      Resource = var.bucket_arn
    },
    {
      # A question without a prefix: HeadBucket (the readiness check), and whether a missing object is a 404. S3 answers
      # 403 to both without it, and a missing object would look like a broken policy. S3 can not tell it from a listing
      # of everything, which shows no more than the two prefixes: nothing else is in the bucket.
      Sid    = "TellMissingFromForbidden"
      Effect = "Allow"
      Action = "s3:ListBucket"
      Condition = {
        Null = { "s3:prefix" = "true" }
      }
      Resource = var.bucket_arn
    },
    {
      # S3 knows no condition on the prefix for the listing of unfinished uploads.
      Sid      = "LookAtTheBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"]
      Resource = var.bucket_arn
    },
  ]

  task_on_objects = [
    {
      Sid    = "KeepImages"
      Effect = "Allow"
      Action = [
        "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion",
        "s3:ListMultipartUploadParts", "s3:PutObject",
      ]
      Resource = "${var.bucket_arn}/images/*"
    },
    {
      # PutObject: the presigned upload of a browser acts with these permissions.
      Sid      = "SettlePendingUploads"
      Effect   = "Allow"
      Action   = ["s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
      Resource = "${var.bucket_arn}/pending/*"
    },
  ]

  task_on_the_bucket_key = {
    Sid       = "EncryptAndDecryptThroughS3"
    Effect    = "Allow"
    Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource  = try(var.bucket_key.arn, null)
    Condition = { StringEquals = { "kms:ViaService" = "s3.${local.region}.amazonaws.com" } }
  }

  task_on_the_table = [
    {
      Sid    = "KeepRows"
      Effect = "Allow"
      Action = [
        "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem",
        "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      ]
      Resource = try(var.table.arn, null)
    },
    {
      Sid      = "ListByIndex"
      Effect   = "Allow"
      Action   = "dynamodb:Query"
      Resource = [for index in try(var.table.indexes, []) : "${var.table.arn}/index/${index}"]
    },
  ]

  task_on_the_queue = {
    Sid      = "ReadArrivals"
    Effect   = "Allow"
    Action   = ["sqs:DeleteMessage", "sqs:ReceiveMessage"]
    Resource = try(var.queue.arn, null)
  }
}
