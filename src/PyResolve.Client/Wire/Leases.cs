namespace PyResolve.Client.Wire;

/// <summary>The answer to <c>GET /.well-known/jwks.json</c>: the public keys that verify leases (RFC 7517).</summary>
/// <param name="Keys">The current signing key first; empty when the server issues no leases.</param>
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
