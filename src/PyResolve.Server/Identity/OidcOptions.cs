using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using PyResolve.Client;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Identity;

/// <summary>How the framework's handler talks to one issuer. The name of the options is the client's key.</summary>
internal sealed class OidcOptions(SignInClients clients, ExternalTokens tokens, PublicUrl publicUrl, TimeProvider time)
    : IConfigureNamedOptions<OpenIdConnectOptions>
{
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxStay = TimeSpan.FromMinutes(15);

    public void Configure(OpenIdConnectOptions options) => throw new NotSupportedException("Only named options are used.");

    public void Configure(string? name, OpenIdConnectOptions options)
    {
        var client = clients.Find(name!) ?? throw new InvalidOperationException($"No client is named {name}.");
        options.Authority = client.Issuer.Name;
        options.ClientId = client.ClientId;
        options.ClientSecret = client.ClientSecret;
        options.RequireHttpsMetadata = !Loopback.Is(new Uri(client.Issuer.Name));
        options.CallbackPath = $"/{client.ReturnPath}";
        options.ResponseType = OpenIdConnectResponseType.Code;
        // In the address, so that cookies that other sites' forms do not carry are sent along.
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;
        options.Scope.Clear();
        foreach (var scope in (ReadOnlySpan<string>)["openid", "email", "profile"])
            options.Scope.Add(scope);
        options.GetClaimsFromUserInfoEndpoint = false;
        options.SaveTokens = false;
        options.MapInboundClaims = false;
        options.DisableTelemetry = true;
        options.TimeProvider = time;
        options.BackchannelHttpHandler = new OutageHandler
        {
            InnerHandler = new SocketsHttpHandler
            {
                AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            },
        };
        options.BackchannelTimeout = MaxWait;
        options.RemoteAuthenticationTimeout = MaxStay;
        options.TokenValidationParameters.ValidIssuer = client.Issuer.Name;
        options.TokenValidationParameters.ValidAlgorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256];
        options.TokenValidationParameters.LifetimeValidator = tokens.IsCurrent;
        options.Events = new OidcEvents(client, tokens, publicUrl);
        UseOwnCookies(options);
    }

    private void UseOwnCookies(OpenIdConnectOptions options)
    {
        var isSecure = publicUrl.Value.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        var prefix = isSecure ? "__Host-" : "";
        options.CorrelationCookie.Name = $"{prefix}pyr_sign_in.";
        options.NonceCookie.Name = $"{prefix}pyr_nonce.";
        foreach (var cookie in (ReadOnlySpan<CookieBuilder>)[options.CorrelationCookie, options.NonceCookie])
        {
            cookie.Path = "/";
            cookie.HttpOnly = true;
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = isSecure ? CookieSecurePolicy.Always : CookieSecurePolicy.SameAsRequest;
        }
    }
}

/// <summary>Throws where an issuer answers 5xx: it is down, and without this could not be told from one that refuses.</summary>
internal sealed class OutageHandler : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        if ((int)response.StatusCode < 500)
            return response;
        response.Dispose();
        throw new HttpRequestException("The issuer answers with an error of its own.", inner: null, response.StatusCode);
    }
}

/// <summary>Sets the framework's defaults, with texts that any instance with the server's key reads.</summary>
internal sealed class OidcDefaults(EncryptionKeys encryption) : IPostConfigureOptions<OpenIdConnectOptions>
{
    private readonly OpenIdConnectPostConfigureOptions _defaults = new(new CarriedTexts(encryption, "sign-in"));

    public void PostConfigure(string? name, OpenIdConnectOptions options) => _defaults.PostConfigure(name, options);
}
