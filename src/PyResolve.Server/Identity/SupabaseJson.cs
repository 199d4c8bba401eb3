using System.Text.Json.Serialization;

namespace PyResolve.Server.Identity;

internal sealed record SupabaseCode(string AuthCode, string CodeVerifier);

internal sealed record SupabasePassword(string Email, string Password);

internal sealed record SupabaseTokens(string? AccessToken);

/// <summary>The requests and answers of Supabase Auth's /token.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SupabaseCode))]
[JsonSerializable(typeof(SupabasePassword))]
[JsonSerializable(typeof(SupabaseTokens))]
internal sealed partial class SupabaseJson : JsonSerializerContext;
