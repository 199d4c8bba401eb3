namespace PyResolve.Client.Wire;

/// <summary>The answer to <c>GET /.well-known/jwks.json</c>: what the signature of a lease is checked by (RFC 7517).</summary>
/// <param name="Keys">The key that signs now comes first; empty where the server gives no leases.</param>
public sealed record LeaseKeySet(IReadOnlyList<LeasePublicKey> Keys);

/// <summary>A public key on the curve P-256.</summary>
/// <param name="Kty"><c>EC</c>.</param>
/// <param name="Crv"><c>P-256</c>.</param>
/// <param name="X">The point's first coordinate: 32 bytes as base64url.</param>
/// <param name="Y">The point's second coordinate: 32 bytes as base64url.</param>
/// <param name="Use"><c>sig</c>.</param>
/// <param name="Alg"><c>ES256</c>.</param>
/// <param name="Kid">The key's thumbprint (RFC 7638), which the header of a lease names.</param>
public sealed record LeasePublicKey(string Kty, string Crv, string X, string Y, string Use, string Alg, string Kid);
