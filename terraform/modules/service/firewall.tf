# An optional firewall. The common rule set's rules for bodies only count here: they read the first kilobytes of an image as
# text, and block every body above 8 kB. Those of known bad inputs block: an upload that begins with text of an attack on
# Log4j or on Java's deserialisation, its title or description included, gets 403.

locals {
  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = { priority = 2, counted = [] }
    AWSManagedRulesKnownBadInputsRuleSet  = { priority = 3, counted = [] }
    AWSManagedRulesCommonRuleSet = {
      priority = 4
      counted  = ["SizeRestrictions_BODY", "CrossSiteScripting_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "EC2MetaDataSSRF_BODY"]
    }
  }
}

resource "aws_wafv2_web_acl" "this" {
  #checkov:skip=CKV_AWS_192:The rules are local.managed_rules; checkov does not follow dynamic blocks, tests/service.tftest.hcl does.
  count = var.firewall == null ? 0 : 1
  name  = var.name
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "one-client-too-often"
    priority = 1

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = var.firewall.requests_per_5_minutes
        aggregate_key_type = "IP"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-one-client-too-often"
      sampled_requests_enabled   = true
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules

    content {
      name     = rule.key
      priority = rule.value.priority

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          name        = rule.key
          vendor_name = "AWS"

          dynamic "rule_action_override" {
            for_each = rule.value.counted

            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-${rule.key}"
        sampled_requests_enabled   = true
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count        = var.firewall == null ? 0 : 1
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
}

resource "aws_cloudwatch_log_group" "firewall" {
  #checkov:skip=CKV_AWS_158:Encrypted with the key that CloudWatch Logs keeps; credentials and signatures are redacted below.
  #checkov:skip=CKV_AWS_338:How long is var.log_days, a year unless somebody writes less.
  count             = var.firewall == null ? 0 : 1
  name              = "aws-waf-logs-${var.name}" # WAF takes no other beginning
  retention_in_days = var.log_days
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count                   = var.firewall == null ? 0 : 1
  resource_arn            = aws_wafv2_web_acl.this[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.firewall[0].arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    query_string {} # signatures of presigned URLs
  }
}
