using System.Runtime.CompilerServices;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    /// <summary><c>POST /auth/signup</c>: makes an account, a first key and a session.</summary>
    public Task<SignUpResponse> SignUpAsync(SignUpRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/signup") with { NeedsKey = false }).With(Guard.NotNull(request), WireJson.Requests.SignUpRequest),
            WireJson.Default.SignUpResponse, static answer => answer is { User: not null, ApiKey: not null, SessionToken: not null }, cancellationToken);

    /// <summary><c>POST /auth/login</c>: opens a session.</summary>
    public Task<LogInResponse> LogInAsync(LogInRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/login") with { NeedsKey = false }).With(Guard.NotNull(request), WireJson.Requests.LogInRequest),
            WireJson.Default.LogInResponse, static answer => answer is { User: not null, SessionToken: not null }, cancellationToken);

    /// <summary><c>POST /auth/logout</c>: ends a session.</summary>
    /// <param name="sessionToken">The session to end.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task LogOutAsync(string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(ApiRequest.Post("/auth/logout") with { SessionToken = Session(Guard.NotNull(sessionToken)) }, cancellationToken);

    /// <summary><c>PATCH /me</c>: changes what the account's owner is called.</summary>
    /// <param name="request">The new name.</param>
    /// <param name="sessionToken">The session that asks; a key may not.</param>
    /// <param name="cancellationToken">Gives up waiting; the name may have been changed.</param>
    public async Task<UserInfo> UpdateAccountAsync(UpdateAccountRequest request, string sessionToken, CancellationToken cancellationToken = default)
    {
        var updated = await _transport.SendAsync(
            (ApiRequest.Patch("/me") with { SessionToken = Session(Guard.NotNull(sessionToken)) }).With(Guard.NotNull(request), WireJson.Requests.UpdateAccountRequest),
            WireJson.Default.UpdatedAccount, static answer => answer.User is { Email: not null, Plan: not null }, cancellationToken).ConfigureAwait(false);
        return updated.User;
    }

    /// <summary><c>POST /auth/password</c>: changes the password, and ends the account's other sessions. Its keys stay.</summary>
    /// <param name="request">The password as it is, and the new one.</param>
    /// <param name="sessionToken">The session that asks, which stays; a key may not.</param>
    /// <param name="cancellationToken">Gives up waiting; the password may have been changed.</param>
    public Task ChangePasswordAsync(ChangePasswordRequest request, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/password") with { SessionToken = Session(Guard.NotNull(sessionToken)) }).With(Guard.NotNull(request), WireJson.Requests.ChangePasswordRequest),
            cancellationToken);

    /// <summary><c>POST /auth/password/forgot</c>: has a letter sent that lets its reader choose a new password. The answer does not tell whether there is such an account.</summary>
    /// <param name="email">The account's e-mail, in any case.</param>
    /// <param name="cancellationToken">Gives up waiting; the letter may have been sent.</param>
    public Task RequestPasswordResetAsync(string email, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/password/forgot") with { NeedsKey = false }).With(new() { Email = Guard.NotNull(email) }, WireJson.Requests.ForgotPasswordRequest),
            cancellationToken);

    /// <summary><c>POST /auth/password/reset</c>: sets a new password by the token of a letter, and ends every session of the account. Its keys stay.</summary>
    public Task ResetPasswordAsync(ResetPasswordRequest request, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/password/reset") with { NeedsKey = false }).With(Guard.NotNull(request), WireJson.Requests.ResetPasswordRequest), cancellationToken);

    /// <summary><c>POST /auth/email/verify</c>: shows by the token of a letter that the account's e-mail is its owner's.</summary>
    /// <param name="token">From the letter: good once, for 7 days.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task VerifyEmailAsync(string token, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Post("/auth/email/verify") with { NeedsKey = false }).With(new() { Token = Guard.NotNull(token) }, WireJson.Requests.VerifyEmailRequest),
            cancellationToken);

    /// <summary><c>DELETE /auth/account</c>: ends the account, its keys, its sessions and its subscription, for good.</summary>
    /// <param name="request">The password, where the account has one.</param>
    /// <param name="sessionToken">The session that asks; a key may not.</param>
    /// <param name="cancellationToken">Gives up waiting; the account may be gone.</param>
    public Task DeleteAccountAsync(DeleteAccountRequest request, string sessionToken, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            (ApiRequest.Delete("/auth/account") with { SessionToken = Session(Guard.NotNull(sessionToken)) }).With(Guard.NotNull(request), WireJson.Requests.DeleteAccountRequest),
            cancellationToken);

    /// <summary><c>GET /audit</c>: who did what to the account and its keys, page by page, the newest first.</summary>
    /// <param name="sessionToken">The session that asks; a key may not.</param>
    /// <param name="cursor">The <see cref="AuditPage.NextCursor"/> of the page before; default the first page.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public Task<AuditPage> ListAuditEntriesAsync(string sessionToken, string? cursor = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get("/audit" + Query(("cursor", cursor))) with { SessionToken = Session(Guard.NotNull(sessionToken)) },
            WireJson.Default.AuditPage, static page => page.Data is not null, cancellationToken);

    /// <summary>All of <see cref="ListAuditEntriesAsync"/>, one entry after the other; each page is asked for when it is reached.</summary>
    /// <param name="sessionToken">The session that asks; a key may not.</param>
    /// <param name="cancellationToken">Gives up.</param>
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
