using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Server.Billing.Gateway;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StripeCustomer))]
[JsonSerializable(typeof(StripeCheckoutSession))]
[JsonSerializable(typeof(StripeList<StripeCheckoutSession>))]
[JsonSerializable(typeof(StripeCharge))]
[JsonSerializable(typeof(StripeList<StripeCharge>))]
[JsonSerializable(typeof(StripeList<StripeDispute>))]
[JsonSerializable(typeof(StripeSubscription))]
[JsonSerializable(typeof(StripeList<StripeSubscription>))]
[JsonSerializable(typeof(StripeList<StripeSubscriptionItem>))]
[JsonSerializable(typeof(StripePrice))]
[JsonSerializable(typeof(StripeList<StripePrice>))]
[JsonSerializable(typeof(StripeProduct))]
[JsonSerializable(typeof(StripeList<StripeProduct>))]
[JsonSerializable(typeof(StripePortalSession))]
[JsonSerializable(typeof(StripePortalConfiguration))]
[JsonSerializable(typeof(StripeList<StripePortalConfiguration>))]
[JsonSerializable(typeof(StripeWebhookEndpoint))]
[JsonSerializable(typeof(StripeList<StripeWebhookEndpoint>))]
[JsonSerializable(typeof(StripeEvent))]
[JsonSerializable(typeof(StripeList<StripeEvent>))]
[JsonSerializable(typeof(StripeErrorBody))]
internal sealed partial class StripeJson : JsonSerializerContext;

/// <summary>An id, or the whole object in its place where a request asked for it.</summary>
internal sealed class StripeReference : JsonConverter<string?>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.String)
            return reader.GetString();
        using var document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("id", out var id) ? id.GetString() : null;
    }

    public override void Write(Utf8JsonWriter writer, string? value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

/// <summary>An instant, in seconds since 1970.</summary>
internal sealed class UnixSeconds : JsonConverter<DateTimeOffset?>
{
    private const long Latest = 253_402_300_799;

    public override DateTimeOffset? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.Number && reader.TryGetInt64(out var seconds) && seconds is >= 0 and <= Latest
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : throw new JsonException("An instant is a number of seconds.");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset? value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value!.Value.ToUnixTimeSeconds());
}
