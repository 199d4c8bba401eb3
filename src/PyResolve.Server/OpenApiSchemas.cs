using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Billing;
using PyResolve.Server.Migrations;
using PyResolve.Server.Plans;
using PyResolve.Server.SecondFactor;

namespace PyResolve.Server;

/// <summary>The rules of a schema that the types alone do not say. A test sends what each schema allows and what it forbids.</summary>
internal static class OpenApiSchemas
{
    private const int MaxUnits = 1_000;

    /// <summary>A text without control characters.</summary>
    private const string PlainText = @"^[^\u0000-\u001F\u007F-\u009F]*$";
    private const string VisibleAsciiText = @"^[!-~]{1,255}$";

    private static readonly string[] Tiers = ["tier1", "tier2", "tier3"];

    // Before the table that uses them.
    private static Rule Password { get; } = new()
    {
        IsRequired = true, MinLength = Passwords.MinLength, MaxLength = Passwords.MaxLength, Pattern = PlainText,
        Example = "correct horse battery staple",
    };

    private static Rule Token { get; } = Text(200) with { IsRequired = true, Example = "from-the-answer-or-the-email" };

    private static readonly Dictionary<Type, Dictionary<string, Rule>> Rules = new()
    {
        [typeof(SignUpRequest)] = new()
        {
            ["email"] = Text(EmailAddresses.MaxLength) with { IsRequired = true, Example = "ada@example.com" },
            ["password"] = Password,
            ["name"] = Text(200),
        },
        [typeof(LogInRequest)] = new()
        {
            ["email"] = Text(EmailAddresses.MaxLength) with { IsRequired = true, Example = "ada@example.com" },
            ["password"] = Text(Passwords.MaxLength) with { IsRequired = true, Example = "correct horse battery staple" },
            ["code"] = Text(SecondFactors.MaxCodeLength),
        },
        [typeof(ChangeEmailRequest)] = new()
        {
            ["email"] = Text(EmailAddresses.MaxLength) with { IsRequired = true, Example = "ada@example.com" },
            ["password"] = Text(Passwords.MaxLength),
        },
        [typeof(TotpCodeRequest)] = new() { ["code"] = Text(SecondFactors.MaxCodeLength) with { IsRequired = true, Example = "123456" } },
        [typeof(UpdateAccountRequest)] = new() { ["name"] = Text(200) with { IsRequired = true, Example = "Ada" } },
        [typeof(ChangePasswordRequest)] = new()
        {
            ["current_password"] = Text(Passwords.MaxLength) with { IsRequired = true, Example = "correct horse battery staple" },
            ["new_password"] = Password,
        },
        [typeof(ForgotPasswordRequest)] = new()
        {
            ["email"] = Text(EmailAddresses.MaxLength) with { IsRequired = true, Example = "ada@example.com" },
        },
        [typeof(ResetPasswordRequest)] = new() { ["token"] = Token, ["password"] = Password },
        [typeof(VerifyEmailRequest)] = new() { ["token"] = Token },
        [typeof(DeleteAccountRequest)] = new() { ["password"] = Text(Passwords.MaxLength) },
        [typeof(CreateApiKeyRequest)] = new()
        {
            ["name"] = Text(100),
            ["scopes"] = new Rule { Items = new Rule { Values = [.. Scopes.All] }, MinItems = 1 },
            ["requests_per_minute"] = Number(1, 1_000_000),
        },
        [typeof(RotateApiKeyRequest)] = new() { ["grace_seconds"] = Number(0, 2_592_000) },
        [typeof(DeviceCodeRequest)] = new()
        {
            ["client_id"] = Text(100),
            ["scope"] = new Rule { Pattern = $"^ *((({string.Join('|', Scopes.DeviceAllowed)})( +|$))*)$" },
        },
        [typeof(DeviceTokenRequest)] = new() { ["device_code"] = Token },
        [typeof(CheckoutRequest)] = new()
        {
            ["plan"] = new Rule { IsRequired = true, Or = "credits", Pattern = Plan.NamePattern, Example = "pro" },
            ["interval"] = new Rule { Values = ["month", "year"] },
            ["quantity"] = Number(1, MaxUnits),
        },
        [typeof(OverageRequest)] = new() { ["cap"] = Number(0, CreditEndpoints.MostOverage) with { IsRequired = true, Example = 500 } },
        [typeof(ReservationRequest)] = new()
        {
            ["quantity"] = Number(1, MaxUnits),
            ["tier"] = new Rule { IsRequired = true, Values = Tiers },
            ["library"] = Text(FieldErrors.LongestLibrary),
            ["ttl_seconds"] = Number(1, 604_800),
            ["machine"] = Text(255),
            ["once_key"] = new Rule { Pattern = VisibleAsciiText },
        },
        [typeof(ExtendRequest)] = new() { ["ttl_seconds"] = Number(1, 604_800) with { IsRequired = true, Example = 90 } },
        [typeof(CommitRequest)] = new()
        {
            ["quantity"] = Number(1, MaxUnits),
            ["files_changed"] = Number(0, int.MaxValue),
            ["tokens_used"] = Number(0, int.MaxValue),
            ["library"] = Text(FieldErrors.LongestLibrary),
        },
        [typeof(MigrateRequest)] = new()
        {
            ["library"] = new Rule
            {
                IsRequired = true, MaxLength = FieldErrors.LongestLibrary, Pattern = "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
                Example = "pydantic",
            },
            ["target"] = Text(MigrateRules.MaxTarget) with { IsRequired = true, Example = "2.0" },
            ["tier"] = new Rule { IsRequired = true, Values = Tiers },
            ["files"] = new Rule { IsRequired = true, Example = new JsonObject { ["app.py"] = "from pydantic import BaseModel\n" } },
        },
        [typeof(UsageEventRequest)] = new()
        {
            ["event_type"] = new Rule { IsRequired = true, Pattern = "^[a-z][a-z0-9_]{0,63}$", Example = "migration" },
            ["library"] = Text(FieldErrors.LongestLibrary),
            ["tier"] = new Rule { Values = Tiers },
            ["files_changed"] = Number(0, int.MaxValue),
            ["tokens_used"] = Number(0, int.MaxValue),
        },
        [typeof(UsageBatchRequest)] = new()
        {
            // In a batch an invalid event is answered as a result of its own.
            ["events"] = new Rule { IsRequired = true, MinItems = 1, MaxItems = 1_000 },
        },
    };

    public static void DescribeSchemas(this OpenApiOptions options) => options.AddSchemaTransformer((schema, context, _) =>
    {
        Complete(schema, context.JsonTypeInfo.Type);
        return Task.CompletedTask;
    });

    private static void Complete(OpenApiSchema schema, Type type)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (bare == typeof(DateTimeOffset))
        {
            schema.Type = bare == type ? JsonSchemaType.String : JsonSchemaType.String | JsonSchemaType.Null;
        }
        else if (bare == typeof(QuotaLimit))
        {
            schema.OneOf =
            [
                new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "int64", Minimum = "0" },
                new OpenApiSchema { Type = JsonSchemaType.String, Enum = ["unlimited"] },
            ];
        }
        else if (bare == typeof(JsonElement))
        {
            schema.Type = JsonSchemaType.Object;
        }
        else if (Rules.TryGetValue(bare, out var rules))
        {
            foreach (var (name, rule) in rules)
            {
                if (schema.Properties![name] is not OpenApiSchema property)
                    throw new InvalidOperationException($"{bare.Name}.{name} is not described in its place.");
                rule.ApplyTo(property);
            }

            schema.Required = rules.Where(static rule => rule.Value is { IsRequired: true, Or: null }).Select(static rule => rule.Key)
                .ToHashSet(StringComparer.Ordinal);
            foreach (var (name, rule) in rules.Where(static rule => rule.Value.Or is not null))
                schema.AnyOf = [Having(name), Having(rule.Or!)];
        }
    }

    private static OpenApiSchema Having(string member) => new() { Required = new HashSet<string>(StringComparer.Ordinal) { member } };

    private static Rule Text(int longest) => new() { MaxLength = longest, Pattern = PlainText };

    private static Rule Number(long lowest, long highest) => new() { Minimum = lowest, Maximum = highest };

    private sealed record Rule
    {
        public bool IsRequired { get; init; }

        /// <summary>The member that may stand in the place of a required one.</summary>
        public string? Or { get; init; }

        public int? MinLength { get; init; }

        public int? MaxLength { get; init; }

        public string? Pattern { get; init; }

        public long? Minimum { get; init; }

        public long? Maximum { get; init; }

        public int? MinItems { get; init; }

        public int? MaxItems { get; init; }

        public string[]? Values { get; init; }

        public Rule? Items { get; init; }

        public JsonNode? Example { get; init; }

        public void ApplyTo(OpenApiSchema schema)
        {
            if (IsRequired)
                schema.Type &= ~JsonSchemaType.Null;
            schema.MinLength = MinLength;
            schema.MaxLength = MaxLength;
            schema.Pattern = Pattern;
            schema.Minimum = Minimum?.ToString(System.Globalization.CultureInfo.InvariantCulture);
            schema.Maximum = Maximum?.ToString(System.Globalization.CultureInfo.InvariantCulture);
            schema.MinItems = MinItems;
            schema.MaxItems = MaxItems;
            if (Values is not null)
            {
                // An enum lists null too where null is allowed.
                schema.Enum = [.. Values.Select(static value => (JsonNode)value)];
                if (schema.Type is { } type && type.HasFlag(JsonSchemaType.Null))
                    schema.Enum.Add(JsonNullSentinel.JsonNull);
            }

            if (Example is not null)
                schema.Examples = [Example.DeepClone()];
            if (Items is not null && schema.Items is OpenApiSchema items)
                Items.ApplyTo(items);
        }
    }
}
