namespace PyResolve.Client;

/// <summary>Asks the server what the machine's leases are checked against, and keeps it. Thread-safe.</summary>
internal sealed class TrustRefresher(ApiTransport transport, LeaseFolder folder)
{
    /// <summary>The API key's account. The server is asked for it once.</summary>
    public async Task<Guid> GetAccountAsync(CancellationToken cancellationToken) =>
        folder.LoadTrust()?.Account ?? (await RefreshAsync(cancellationToken).ConfigureAwait(false)).Account;

    /// <summary>Reads the public keys, before each lease: a leaked signing key must be forgotten.</summary>
    public async Task<LeaseTrust> RefreshAsync(CancellationToken cancellationToken)
    {
        var keys = await transport.GetLeaseKeysAsync(cancellationToken).ConfigureAwait(false);
        var known = folder.LoadTrust();
        var account = known?.Account ?? (await transport.GetAccountAsync(cancellationToken).ConfigureAwait(false)).UserId;
        var trust = new LeaseTrust(account, known?.Issuer, keys.Keys);
        folder.Save(trust);
        return trust;
    }
}
