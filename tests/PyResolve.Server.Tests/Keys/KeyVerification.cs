using System.Net;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

internal static class KeyVerification
{
    /// <summary>As a request does: from memory, or else from the store.</summary>
    public static async Task<KeyOutcome> CheckAsync(
        this ApiKeyVerifier verifier, string key, IPAddress? client, CancellationToken cancellationToken)
    {
        var digest = KeyDigest.Of(key);
        return verifier.TryRecall(digest, out var outcome) ? outcome : await verifier.VerifyAsync(key, digest, client, cancellationToken);
    }
}
