# Ways to AWS that do not leave its network. Those to S3 and DynamoDB lead to this project's bucket and table only: nobody's
# credentials carry objects or rows from here to another account by them. The interface endpoints have AWS' own policy, which
# lets any call to their service through: by logs and queues something could still be carried out.

locals {
  to_s3 = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LeadToTheBucket"
        Effect    = "Allow"
        Principal = "*"
        Action = [
          "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetBucketVersioning",
          "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketMultipartUploads",
          "s3:ListBucketVersions", "s3:ListMultipartUploadParts", "s3:PutObject",
        ]
        Resource = [var.bucket_arn, "${var.bucket_arn}/*"]
      },
      {
        # Where ECR keeps the layers of images (Amazon ECR user guide, "Create the Amazon S3 gateway endpoint").
        Sid       = "LeadToImageLayers"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "arn:${local.partition}:s3:::prod-${local.region}-starport-layer-bucket/*"
      },
    ]
  })

  to_dynamodb = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LeadToTheTable"
      Effect    = "Allow"
      Principal = "*"
      Action = [
        "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem",
        "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
      ]
      Resource = [var.table_arn, "${var.table_arn}/index/*"]
    }]
  })
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy            = local.to_s3

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${local.region}.dynamodb"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy            = local.to_dynamodb

  tags = { Name = "${var.name}-dynamodb" }
}

# To start a task: its image, its secrets, its logs. While it runs: the queue of arrivals.
resource "aws_vpc_endpoint" "interface" {
  for_each            = toset(["ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs"])
  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.endpoints.id]

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "Interface endpoints: HTTPS from the private subnets"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each          = aws_subnet.private
  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from ${each.key}"
  cidr_ipv4         = each.value.cidr_block
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}
