using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>GET /auth/api-keys</c>: the keys of the account, newest first, without the secrets. Keys that were revoked more than 90
    /// days ago are left out. Long lists take one request for each 1,000 keys.</summary>
    /// <param name="sessionToken">The session to use; default the client's own key, which then needs the scope <c>keys</c>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<IReadOnlyList<ApiKeyInfo>> ListApiKeysAsync(
        string? sessionToken = null, CancellationToken cancellationToken = default)
    {
        var keys = new List<ApiKeyInfo>();
        for (string? cursor = null; ;)
        {
            var path = cursor is null ? "/auth/api-keys" : $"/auth/api-keys?cursor={Uri.EscapeDataString(cursor)}";
            var page = await _transport.SendAsync(
                ApiRequest.Get(path) with { SessionToken = Session(sessionToken) },
                WireJson.Default.ApiKeyList, static list => list.Data is not null, cancellationToken).ConfigureAwait(false);
            keys.AddRange(page.Data);
            if (page.NextCursor is not { Length: > 0 } next || next == cursor)
                return keys;
            cursor = next;
        }
    }

    /// <summary><c>POST /auth/api-keys</c>: creates a key, which is shown only this once.</summary>
    /// <param name="request">Name, scopes, expiry, rate limit.</param>
    /// <param name="sessionToken">The session to use; default the client's own key, which then needs the scope <c>keys</c>.</param>
    /// <param name="cancellationToken">Stops waiting; the key may have been created.</param>
    public Task<CreatedApiKey> CreateApiKeyAsync(
        CreateApiKeyRequest request, string? sessionToken = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/api-keys") with { SessionToken = Session(sessionToken) })
                .With(Guard.NotNull(request), WireJson.Requests.CreateApiKeyRequest),
            WireJson.Default.CreatedApiKey, static key => key.ApiKey is not null, cancellationToken);

    /// <summary><c>DELETE /auth/api-keys/{id}</c>: revokes a key, which is refused everywhere within a second.</summary>
    /// <param name="id">The key's id, from the list.</param>
    /// <param name="sessionToken">The session to use; default the client's own key, which then needs the scope <c>keys</c>.</param>
    /// <param name="cancellationToken">Stops waiting; the key may have been revoked.</param>
    public Task RevokeApiKeyAsync(Guid id, string? sessionToken = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(ApiRequest.Delete($"/auth/api-keys/{id:D}") with { SessionToken = Session(sessionToken) }, cancellationToken);

    /// <summary><c>POST /auth/api-keys/{id}/rotate</c>: replaces a key by a new one, which is shown only this once.</summary>
    /// <param name="id">The key's id, from the list.</param>
    /// <param name="request">How long both keys work; default: the old one is revoked at once.</param>
    /// <param name="sessionToken">The session to use; default the client's own key, which then needs the scope <c>keys</c>.</param>
    /// <param name="cancellationToken">Stops waiting; the key may have been replaced.</param>
    public Task<RotatedApiKey> RotateApiKeyAsync(
        Guid id, RotateApiKeyRequest? request = null, string? sessionToken = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post($"/auth/api-keys/{id:D}/rotate") with { SessionToken = Session(sessionToken) })
                .With(request ?? new(), WireJson.Requests.RotateApiKeyRequest),
            WireJson.Default.RotatedApiKey, static key => key.ApiKey is not null, cancellationToken);

    /// <summary><c>POST /auth/api-keys/report-leak</c>: revokes a key that was leaked, and notifies its owner. No credential is needed; the
    /// answer does not reveal whether the key was valid.</summary>
    /// <param name="apiKey">The whole key.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task ReportLeakedKeyAsync(string apiKey, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/api-keys/report-leak")
                .With(new() { ApiKey = Guard.NotNull(apiKey) }, WireJson.Requests.ReportLeakRequest),
            cancellationToken);
}
