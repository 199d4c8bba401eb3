using System.Text.Json;
using System.Text.Json.Serialization;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>The first part of a lease.</summary>
internal sealed record LeaseHeader(string? Alg, string? Typ, string? Kid);

/// <summary>The second part of a lease.</summary>
internal sealed record LeaseClaims(string? Iss, Guid Sub, Guid Jti, int Qty, string? Tier, string? Mch, long Iat, long Exp);

/// <summary>What is written about leases on this machine, and what leases are written in.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LeaseHeader))]
[JsonSerializable(typeof(LeaseClaims))]
[JsonSerializable(typeof(LeaseTrust))]
[JsonSerializable(typeof(LeaseRequest))]
internal sealed partial class LeaseJson : JsonSerializerContext;
