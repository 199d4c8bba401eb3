using System.Text.Json;
using System.Text.Json.Serialization;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

internal sealed record LeaseHeader(string? Alg, string? Typ, string? Kid);

internal sealed record LeaseClaims(string? Iss, Guid Sub, Guid Jti, int Qty, string? Tier, string? Mch, long Iat, long Exp);

/// <summary>The JSON inside leases, and of the files about them on this machine.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LeaseHeader))]
[JsonSerializable(typeof(LeaseClaims))]
[JsonSerializable(typeof(LeaseTrust))]
[JsonSerializable(typeof(LeaseRequest))]
internal sealed partial class LeaseJson : JsonSerializerContext;
