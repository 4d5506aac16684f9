# The metadata's table. Its keys and index are those of services/metadata/dynamo_table.py; tests/infra/test_table.py
# compares the two.

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_119:The key is DynamoDB's own in KMS. One of ours would make every reader need grants on it as well.
  #checkov:skip=CKV2_AWS_16:On demand: there is no capacity to scale.
  name                        = var.table_name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "g1pk"
    type = "S"
  }

  global_secondary_index {
    name            = "by_everyone"
    hash_key        = "g1pk"
    range_key       = "sk"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = var.recovery_days
  }

  server_side_encryption {
    enabled = true
  }
}
