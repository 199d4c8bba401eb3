using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>What the handler found, for the route that called it.</summary>
internal sealed record OidcReturn(ExternalIdentity? Identity, string? Next, Exception? Failure, bool IsDenied);

/// <summary>Adds our parts to the handler's flow. The answer is written by the route, never by the handler.</summary>
internal sealed class OidcEvents(SignInClient client, ExternalTokens tokens, PublicUrl publicUrl) : OpenIdConnectEvents
{
    private const string Found = "identity";

    /// <summary>Sends the browser to the issuer, to come back to our own address, never to the request's Host.</summary>
    public override Task RedirectToIdentityProvider(RedirectContext context)
    {
        context.ProtocolMessage.RedirectUri = $"{publicUrl.Value}/{client.ReturnPath}";
        return Task.CompletedTask;
    }

    /// <summary>
    /// Checks the token again, by the rules of tokens in the API: the handler lets a token without a signature pass, because it came over
    /// TLS.
    /// </summary>
    public override async Task TokenValidated(TokenValidatedContext context)
    {
        if (context.TokenEndpointResponse?.IdToken is { } token
            && await tokens.VerifyAsync(token, client.Issuer, client.ClientId, context.HttpContext.RequestAborted) is { } identity)
            context.Properties!.SetParameter(Found, identity);
        else
            context.Fail("The token is not one of a user of this issuer.");
    }

    public override Task TicketReceived(TicketReceivedContext context)
    {
        var identity = context.Properties!.GetParameter<ExternalIdentity>(Found);
        context.HttpContext.Features.Set(new OidcReturn(identity, context.ReturnUri, Failure: null, IsDenied: false));
        context.HandleResponse();
        return Task.CompletedTask;
    }

    public override Task AccessDenied(AccessDeniedContext context)
    {
        context.HttpContext.Features.Set(new OidcReturn(Identity: null, Next: null, Failure: null, IsDenied: true));
        context.HandleResponse();
        return Task.CompletedTask;
    }

    public override Task RemoteFailure(RemoteFailureContext context)
    {
        context.HttpContext.Features.Set(new OidcReturn(Identity: null, Next: null, context.Failure, IsDenied: false));
        context.HandleResponse();
        return Task.CompletedTask;
    }
}
