using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Alerts;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Site;

/// <summary>The rules of an account. <c>Typed</c>: a share that was not accepted.</summary>
internal sealed record AlertTable(
    Caller Caller, IReadOnlyList<AlertRule> Rules, QuotaSnapshot Quota, bool SendsMail, string? Typed, ProblemResult? Problem)
{
    public long? Limit => Quota.MigrationsLimit.Value;

    /// <summary>The number of migrations at which an email is due; null: without a limit there is none.</summary>
    public long? UnitsAt(AlertRule rule) => Limit is > 0 and var limit ? ((rule.Percent * limit) + 99) / 100 : null;
}

internal static class AlertPages
{
    private const string Path = "app/alerts";

    public static void MapAlertPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/alerts", Show);
        pages.MapPost("/app/alerts", Add);
        pages.MapPost("/app/alerts/remove", Remove);
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, AlertRules rules, QuotaReader quotas, EmailOutbox outbox) =>
        await web.FindAsync(http) is { } caller ? await PageAsync(http, caller, rules, quotas, outbox) : SignInPages.Ask(http);

    private static async Task<IResult> Add(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, AlertRules rules, QuotaReader quotas, EmailOutbox outbox)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, Path);
        var typed = (await FormBody.ReadAsync(http)).Field("percent");
        var errors = new FieldErrors();
        var percent = NumberOf(typed);
        errors.Range("percent", percent ?? 0, 1, AlertRules.MaxPercent);
        if (errors.Problem is null)
        {
            var quota = await quotas.ReadAsync(caller.UserId, http.RequestAborted);
            if (await rules.AddAsync(caller.UserId, percent!.Value, quota.MigrationsUsed, quota.MigrationsLimit.Value, http.RequestAborted))
                return PageUrls.SeeOther(http, Path);
            errors.Add("percent", $"cannot be added: an account has at most {AlertRules.MaxRules} alerts. Remove another one first.");
        }

        return await PageAsync(http, caller, rules, quotas, outbox, typed, new ProblemResult(errors.Problem!));
    }

    private static async Task<IResult> Remove(HttpContext http, SameOrigin sameOrigin, WebSessions web, AlertRules rules)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, Path);
        if (NumberOf((await FormBody.ReadAsync(http)).Field("percent")) is { } percent)
            await rules.RemoveAsync(caller.UserId, percent, http.RequestAborted);
        return PageUrls.SeeOther(http, Path);
    }

    private static async Task<IResult> PageAsync(
        HttpContext http, Caller caller, AlertRules rules, QuotaReader quotas, EmailOutbox outbox, string? typed = null,
        ProblemResult? problem = null)
    {
        var model = new AlertTable(
            caller,
            await rules.ReadAsync(caller.UserId, http.RequestAborted),
            await quotas.ReadAsync(caller.UserId, http.RequestAborted),
            outbox.IsEnabled,
            typed,
            problem);
        return SitePages.Page("Alerts", new Site_AlertsPage { Model = model }, caller, problem);
    }

    private static int? NumberOf(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
