using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.SecondFactor;

namespace PyResolve.Server.Site;

/// <summary>
/// The pages of the second factor. Set-up asks for the password, shows the secret, and asks for a first code. Turning it off asks for the
/// password and a code.
/// </summary>
internal static class SecondFactorSettingsPages
{
    public static void MapSecondFactorSettings(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/settings/second-factor", Show);
        pages.MapPost("/app/settings/second-factor", Begin);
        pages.MapPost("/app/settings/second-factor/confirm", Confirm);
        pages.MapPost("/app/settings/second-factor/remove", Remove);
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, SettingsReader reader) =>
        await web.FindAsync(http) is { } caller ? await PageAsync(http, reader, caller) : SignInPages.Ask(http);

    private static async Task<IResult> Begin(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, SecondFactorSettings settings)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SettingsPages.SignInFirst(http);
        WebSessions.RequireSafeConnection(http);
        var password = (await FormBody.ReadAsync(http)).Field("password");
        var errors = new FieldErrors();
        errors.Text("password", password, Passwords.MaxLength, required: true);
        if (errors.Problem is { } invalid)
            return await PageAsync(http, reader, caller, problem: new ProblemResult(invalid));
        var outcome = await settings.BeginAsync(caller, password!, Origin.Of(http), http.RequestAborted);
        return await PageAsync(http, reader, caller, outcome.Value, outcome.Problem);
    }

    /// <summary>Checks the first code. After a wrong one the same secret is shown again, which an app has by then.</summary>
    private static async Task<IResult> Confirm(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, SecondFactorSettings settings,
        ProductOptions product)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SettingsPages.SignInFirst(http);
        var code = (await FormBody.ReadAsync(http)).Field("code");
        var errors = new FieldErrors();
        errors.Code("code", code);
        var outcome = errors.Problem is { } invalid
            ? new ProblemResult(invalid)
            : await settings.ConfirmAsync(caller, code!, Origin.Of(http), http.RequestAborted);
        if (outcome.Value is not { } confirmed)
        {
            var state = await reader.ReadAsync(caller, before: null, http.RequestAborted);
            var setup = state.SecondFactor?.Secret is { } secret ? TotpCode.SetupOf(secret, caller.Email, product.Name) : null;
            return Page(state, setup, outcome.Problem);
        }

        return SitePages.Page("Your recovery codes", new Site_RecoveryCodesPage { Model = confirmed }, caller);
    }

    private static async Task<IResult> Remove(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, SecondFactorSettings settings)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SettingsPages.SignInFirst(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (password, code) = (form.Field("password"), form.Field("code"));
        var errors = new FieldErrors();
        errors.Text("password", password, Passwords.MaxLength, required: true);
        errors.Code("code", code);
        if (errors.Problem is { } invalid)
            return await PageAsync(http, reader, caller, problem: new ProblemResult(invalid));
        var problem = await settings.RemoveAsync(caller, password!, code!, Origin.Of(http), http.RequestAborted);
        return problem is null
            ? PageUrls.SeeOther(http, "app/settings#second-factor")
            : await PageAsync(http, reader, caller, problem: problem);
    }

    private static async Task<IResult> PageAsync(
        HttpContext http, SettingsReader reader, Caller caller, TotpSetup? setup = null, ProblemResult? problem = null) =>
        Page(await reader.ReadAsync(caller, before: null, http.RequestAborted), setup, problem);

    private static PageResult Page(Settings state, TotpSetup? setup, ProblemResult? problem)
    {
        var model = new SecondFactorView(state.SecondFactor, setup, state.HasPassword, problem);
        return SitePages.Page("Second factor", new Site_SecondFactorSettingsPage { Model = model }, state.Caller, problem);
    }
}
