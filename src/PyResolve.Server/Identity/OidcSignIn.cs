using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using PyResolve.Server.Http;

namespace PyResolve.Server.Identity;

/// <summary>What comes back from an issuer: who it is, and the page that was asked for; or a problem.</summary>
internal sealed record SignInReturn(ExternalIdentity? Identity, string? Next, ProblemResult? Problem);

/// <summary>
/// Signs people in by the authorization code flow with PKCE, with the framework's handler. It is called from our own routes, without the
/// framework's other authentication: nothing of it runs on other requests, and it opens no session.
/// </summary>
internal sealed partial class OidcSignIn(IOptionsMonitor<OpenIdConnectOptions> options, ILogger<OidcSignIn> logger)
{
    /// <summary>Sends the browser to the issuer.</summary>
    /// <returns>null, or why it stays here.</returns>
    public async Task<ProblemResult?> BeginAsync(HttpContext http, SignInClient client, string next)
    {
        try
        {
            var handler = await CreateHandlerAsync(http, client);
            await handler.ChallengeAsync(new AuthenticationProperties { RedirectUri = next });
            return null;
        }
        catch (Exception exception) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            Log.NotBegun(logger, client.Name, exception.GetType().Name, Shown(exception));
            return OidcProblems.Unavailable(client.Name);
        }
    }

    public async Task<SignInReturn> FinishAsync(HttpContext http, SignInClient client)
    {
        var handler = await CreateHandlerAsync(http, client);
        await handler.HandleRequestAsync();
        var back = http.Features.Get<OidcReturn>() ?? new OidcReturn(Identity: null, Next: null, Failure: null, IsDenied: false);
        if (back is { Identity: { } identity })
            return new SignInReturn(identity, back.Next, Problem: null);
        if (back.IsDenied)
            return new SignInReturn(Identity: null, Next: null, OidcProblems.Denied(client.Name));
        Log.NotFinished(logger, client.Name, back.Failure?.GetType().Name ?? "none", Shown(back.Failure));
        return new SignInReturn(
            Identity: null,
            Next: null,
            OidcProblems.IsOutOfReach(back.Failure) ? OidcProblems.Unavailable(client.Name) : OidcProblems.NotCompleted(client.Name));
    }

    // The handler's own log quotes tokens.
    private async Task<OpenIdConnectHandler> CreateHandlerAsync(HttpContext http, SignInClient client)
    {
        var handler = new OpenIdConnectHandler(options, NullLoggerFactory.Instance, HtmlEncoder.Default, UrlEncoder.Default);
        await handler.InitializeAsync(new AuthenticationScheme(client.Key, displayName: null, typeof(OpenIdConnectHandler)), http);
        return handler;
    }

    /// <summary>
    /// The part of a failure that is logged. The text of an issuer's error may be anybody's, from the address: only what is short and plain
    /// is shown.
    /// </summary>
    private static string Shown(Exception? failure)
    {
        const int MaxLength = 300;
        return failure is { Message: { Length: <= MaxLength } message } && FieldErrors.IsPlainText(message) ? message : "";
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A sign-in with {Name} could not begin: {Type} {Cause}")]
        public static partial void NotBegun(ILogger logger, string name, string type, string cause);

        [LoggerMessage(2, LogLevel.Information, "A sign-in with {Name} was not completed: {Type} {Cause}")]
        public static partial void NotFinished(ILogger logger, string name, string type, string cause);
    }
}
