using System.Runtime.CompilerServices;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /auth/signup</c>: creates an account, a first key and a session.</summary>
    public Task<SignUpResponse> SignUpAsync(SignUpRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/signup").With(Guard.NotNull(request), WireJson.Requests.SignUpRequest),
            WireJson.Default.SignUpResponse, static answer => answer is { User: not null, ApiKey: not null, SessionToken: not null },
            cancellationToken);

    /// <summary><c>POST /auth/login</c>: opens a session.</summary>
    public Task<LogInResponse> LogInAsync(LogInRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/login").With(Guard.NotNull(request), WireJson.Requests.LogInRequest),
            WireJson.Default.LogInResponse, static answer => answer is { User: not null, SessionToken: not null }, cancellationToken);

    /// <summary><c>POST /auth/logout</c>: ends a session.</summary>
    /// <param name="sessionToken">The session to end.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task LogOutAsync(string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(ApiRequest.Post("/auth/logout") with { SessionToken = RequiredSession(sessionToken) }, cancellationToken);

    /// <summary><c>GET /me</c>: the account of the client's key, and its quota this month.</summary>
    public Task<AccountInfo> GetAccountAsync(CancellationToken cancellationToken = default) =>
        _transport.GetAccountAsync(cancellationToken);

    /// <summary><c>PATCH /me</c>: changes the owner's name.</summary>
    /// <param name="request">The new name.</param>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the name may have been changed.</param>
    public async Task<UserInfo> UpdateAccountAsync(
        UpdateAccountRequest request, string sessionToken, CancellationToken cancellationToken = default)
    {
        var updated = await _transport.SendAsync(
            (ApiRequest.Patch("/me") with { SessionToken = RequiredSession(sessionToken) })
                .With(Guard.NotNull(request), WireJson.Requests.UpdateAccountRequest),
            WireJson.Default.UpdatedAccount, static answer => answer.User is { Email: not null, Plan: not null },
            cancellationToken).ConfigureAwait(false);
        return updated.User;
    }

    /// <summary><c>POST /auth/password</c>: changes the password, and ends the account's other sessions. The keys stay valid.</summary>
    /// <param name="request">The current and the new password.</param>
    /// <param name="sessionToken">The session to use, which stays valid; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the password may have been changed.</param>
    public Task ChangePasswordAsync(ChangePasswordRequest request, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/password") with { SessionToken = RequiredSession(sessionToken) })
                .With(Guard.NotNull(request), WireJson.Requests.ChangePasswordRequest),
            cancellationToken);

    /// <summary><c>POST /auth/password/forgot</c>: emails a link to choose a new password, if the account exists.</summary>
    /// <param name="email">The account's email address, in any case.</param>
    /// <param name="cancellationToken">Stops waiting; the email may have been sent.</param>
    public Task RequestPasswordResetAsync(string email, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/password/forgot").With(new() { Email = Guard.NotNull(email) }, WireJson.Requests.ForgotPasswordRequest),
            cancellationToken);

    /// <summary>
    /// <c>POST /auth/password/reset</c>: sets a new password, and ends every session of the account. See the request for its keys.
    /// </summary>
    public Task ResetPasswordAsync(ResetPasswordRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/password/reset").With(Guard.NotNull(request), WireJson.Requests.ResetPasswordRequest),
            cancellationToken);

    /// <summary>
    /// <c>POST /auth/email/verify</c>: verifies the account's email address with the token from the email. If the address was never proved
    /// before, keys and sessions that were made until then are revoked; the overload with the password keeps them.
    /// </summary>
    /// <param name="token">The token: valid once, for 7 days.</param>
    /// <param name="cancellationToken">Stops waiting; the address may have been verified.</param>
    public Task VerifyEmailAsync(string token, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/email/verify").With(new() { Token = Guard.NotNull(token) }, WireJson.Requests.VerifyEmailRequest),
            cancellationToken);

    /// <summary>
    /// <c>POST /auth/email/verify</c> with the account's password, which keeps the keys and sessions that were made before.
    /// </summary>
    /// <param name="request">The token from the email, and the password.</param>
    /// <param name="cancellationToken">Stops waiting; the address may have been verified.</param>
    public Task VerifyEmailAsync(VerifyEmailRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            PostAnonymously("/auth/email/verify").With(Guard.NotNull(request), WireJson.Requests.VerifyEmailRequest),
            cancellationToken);

    /// <summary>
    /// <c>POST /auth/email</c>: sends a link to the new address, with which the account's address changes. It is valid for a day.
    /// </summary>
    /// <param name="request">The new address, and the password, if the account has one.</param>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the email may have been sent.</param>
    public Task ChangeEmailAsync(ChangeEmailRequest request, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/email") with { SessionToken = RequiredSession(sessionToken) })
                .With(Guard.NotNull(request), WireJson.Requests.ChangeEmailRequest),
            cancellationToken);

    /// <summary>
    /// <c>POST /auth/totp</c>: begins to set up a second factor, for an authenticator app. It has no effect until
    /// <see cref="ConfirmTotpAsync"/>.
    /// </summary>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<TotpSetup> StartTotpAsync(string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Post("/auth/totp") with { SessionToken = RequiredSession(sessionToken) },
            WireJson.Default.TotpSetup, static setup => setup is { Secret: not null, OtpauthUrl: not null }, cancellationToken);

    /// <summary>
    /// <c>POST /auth/totp/confirm</c>: turns the second factor on, with a first code of the app. The account's other sessions end; its keys
    /// stay valid.
    /// </summary>
    /// <param name="code">The six digits that the app shows now.</param>
    /// <param name="sessionToken">The session to use, which stays valid; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the second factor may be on.</param>
    /// <returns>The recovery codes, which are shown only now.</returns>
    public async Task<IReadOnlyList<string>> ConfirmTotpAsync(
        string code, string sessionToken, CancellationToken cancellationToken = default)
    {
        var confirmed = await _transport.SendAsync(
            (ApiRequest.Post("/auth/totp/confirm") with { SessionToken = RequiredSession(sessionToken) })
                .With(new() { Code = Guard.NotNull(code) }, WireJson.Requests.TotpCodeRequest),
            WireJson.Default.TotpConfirmed, static answer => answer.RecoveryCodes is not null, cancellationToken).ConfigureAwait(false);
        return confirmed.RecoveryCodes;
    }

    /// <summary><c>DELETE /auth/totp</c>: turns the second factor off.</summary>
    /// <param name="code">The six digits that the app shows now, or a recovery code.</param>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the second factor may be off.</param>
    public Task RemoveTotpAsync(string code, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Delete("/auth/totp") with { SessionToken = RequiredSession(sessionToken) })
                .With(new() { Code = Guard.NotNull(code) }, WireJson.Requests.TotpCodeRequest),
            cancellationToken);

    /// <summary><c>GET /auth/sessions</c>: the account's open sessions, newest first.</summary>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<IReadOnlyList<SessionInfo>> ListSessionsAsync(string sessionToken, CancellationToken cancellationToken = default)
    {
        var sessions = await _transport.SendAsync(
            ApiRequest.Get("/auth/sessions") with { SessionToken = RequiredSession(sessionToken) },
            WireJson.Default.SessionList, static list => list.Data is not null, cancellationToken).ConfigureAwait(false);
        return sessions.Data;
    }

    /// <summary><c>DELETE /auth/sessions/{id}</c>: ends a session of the account.</summary>
    /// <param name="id">The session's id, from the list.</param>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the session may have ended.</param>
    public Task EndSessionAsync(Guid id, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Delete($"/auth/sessions/{id:D}") with { SessionToken = RequiredSession(sessionToken) }, cancellationToken);

    /// <summary><c>DELETE /auth/account</c>: deletes the account, its keys, sessions and subscription. This cannot be undone.</summary>
    /// <param name="request">The password, if the account has one.</param>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops waiting; the account may have been deleted.</param>
    public Task DeleteAccountAsync(DeleteAccountRequest request, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Delete("/auth/account") with { SessionToken = RequiredSession(sessionToken) })
                .With(Guard.NotNull(request), WireJson.Requests.DeleteAccountRequest),
            cancellationToken);

    /// <summary><c>GET /audit</c>: a page of the audit log of the account and its keys, newest first.</summary>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cursor">The <see cref="AuditPage.NextCursor"/> of the previous page; default the first page.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<AuditPage> ListAuditEntriesAsync(
        string sessionToken, string? cursor = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/audit" + Query(("cursor", cursor))) with { SessionToken = RequiredSession(sessionToken) },
            WireJson.Default.AuditPage, static page => page.Data is not null, cancellationToken);

    /// <summary>All entries of <see cref="ListAuditEntriesAsync"/>; each page is requested when it is reached.</summary>
    /// <param name="sessionToken">The session to use; a key is not sufficient.</param>
    /// <param name="cancellationToken">Stops the enumeration.</param>
    public async IAsyncEnumerable<AuditEntry> EnumerateAuditEntriesAsync(
        string sessionToken, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? cursor = null;
        do
        {
            var page = await ListAuditEntriesAsync(sessionToken, cursor, cancellationToken).ConfigureAwait(false);
            foreach (var entry in page.Data)
                yield return entry;
            cursor = page.NextCursor;
        }
        while (cursor is not null);
    }
}
