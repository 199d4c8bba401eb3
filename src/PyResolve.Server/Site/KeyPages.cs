using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

/// <summary>
/// The pages about keys. A new secret is the answer to the form that made it, and is on no other page; reloading it makes no second key.
/// </summary>
internal static class KeyPages
{
    private const int PageSize = 50;

    private static readonly int[] GraceSeconds = [0, 60, 900, 3_600, 21_600, 86_400];

    public static void MapKeyPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/keys", List);
        pages.MapPost("/app/keys", Create);
        pages.MapGet("/app/keys/{id:guid}", Show);
        pages.MapPost("/app/keys/{id:guid}/rotate", Rotate);
        pages.MapPost("/app/keys/{id:guid}/revoke", Revoke);
    }

    private static async Task<IResult> List(
        HttpContext http, WebSessions web, ApiKeyLists lists, AcceptedKeys keys, UsageDays days, TimeProvider time)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        // A whole key must not stay in the browser's history.
        if (http.Request.Query["q"].ToString().Trim() is var typed && keys.IsWellFormed(typed))
            return PageUrls.SeeOther(http, $"app/keys?q={ApiKeyFormat.PrefixOf(typed)}");
        var form = new KeyForm(Ids.Create(time.GetInstant()), Name: null, Days: null, Scopes.Default, RequestsPerMinute: null);
        return await ListPageAsync(http, caller, form, lists, days, time, problem: null);
    }

    private static async Task<IResult> Create(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys, ApiKeyLists lists, UsageDays days, PublicUrl publicUrl,
        TimeProvider time)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, "app/keys");
        var (form, wanted, invalid) = Read(await FormBody.ReadAsync(http), time.GetInstant());
        if (invalid is not null)
            return await ListPageAsync(http, caller, form, lists, days, time, invalid);

        var outcome = await keys.CreateAsync(caller, wanted, Origin.Of(http), http.RequestAborted);
        return outcome.Value is { } created
            ? SecretPage(caller, new KeyMade(created.Name, new Secret(created.ApiKey, publicUrl.Value), PreviousEndsAt: null))
            : await ListPageAsync(http, caller, form with { Once = Ids.Create(time.GetInstant()) }, lists, days, time, outcome.Problem);
    }

    /// <summary>Reads the form of a key. One that says nothing of scopes asks for the default ones.</summary>
    private static (KeyForm Form, NewApiKey Wanted, ProblemResult? Invalid) Read(IFormCollection sent, DateTimeOffset now)
    {
        var errors = new FieldErrors();
        var name = sent.Field("name");
        errors.Label("name", name, ApiKeyEndpoints.MaxNameLength);
        var expiresAt = sent.Field("days") switch
        {
            null => (DateTimeOffset?)null,
            var text when NumberOf(text) is { } days && KeyForm.LifetimeDays.Contains(days) => now.AddDays(days),
            _ => Refuse(errors, "days"),
        };
        IReadOnlyList<string> scopes = sent.Field("scopes") is null
            ? Scopes.Default
            : [.. Scopes.All.Where(scope => sent.Field(KeyForm.ScopePrefix + scope) is not null)];
        if (scopes.Count == 0)
            errors.Add("scopes", ProblemTexts.NoScope);
        var limit = sent.Field("limit") is { } limitText ? NumberOf(limitText) ?? 0 : (int?)null;
        errors.Range("limit", limit, 1, ApiKeyEndpoints.MaxRequestsPerMinute);
        if (!Guid.TryParse(sent.Field("once"), out var once))
            errors.Add("once", ProblemTexts.IsRequired);

        var form = new KeyForm(errors.Problem is null ? once : Ids.Create(now), name, sent.Field("days"), scopes, sent.Field("limit"));
        var wanted = new NewApiKey(string.IsNullOrWhiteSpace(name) ? ApiKeys.DefaultName : name.Trim(), scopes, expiresAt, limit)
        {
            IdempotencyKey = once.ToString("D"),
        };
        return (form, wanted, errors.Problem is { } invalid ? new ProblemResult(invalid) : null);
    }

    private static async Task<IResult> Show(
        Guid id, HttpContext http, WebSessions web, ApiKeyLists lists, UsageDays days, TimeProvider time) =>
        await web.FindAsync(http) is { } caller
            ? await KeyPageAsync(id, http, caller, lists, days, time, problem: null)
            : SignInPages.Ask(http);

    private static async Task<IResult> Rotate(
        Guid id, HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys, ApiKeyLists lists, UsageDays days,
        PublicUrl publicUrl, TimeProvider time)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, "app/keys");
        var form = await FormBody.ReadAsync(http);
        if (NumberOf(form.Field("grace")) is not { } grace || !GraceSeconds.Contains(grace))
            throw new ProblemException(Problems.Malformed("Choose how long the old key still works, from the list."));

        return await keys.RotateAsync(caller, id, TimeSpan.FromSeconds(grace), Origin.Of(http), http.RequestAborted) switch
        {
            RotateOutcome.Rotated { Key: var key, PreviousExpiresAt: var previous } =>
                SecretPage(caller, new KeyMade(key.Name, new Secret(key.ApiKey, publicUrl.Value), previous)),
            RotateOutcome.Ended => await KeyPageAsync(
                id, http, caller, lists, days, time, new ProblemResult(Problems.Conflict(ProblemTexts.KeyNotLive))),
            RotateOutcome.LimitReached reached => await KeyPageAsync(id, http, caller, lists, days, time, reached.Problem),
            _ => throw NoSuchKey(),
        };
    }

    private static async Task<IResult> Revoke(Guid id, HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, "app/keys");
        return await keys.RevokeAsync(caller, id, Origin.Of(http), http.RequestAborted) is RevokeOutcome.Revoked
            ? PageUrls.SeeOther(http, "app/keys")
            : throw NoSuchKey();
    }

    private static async Task<IResult> ListPageAsync(
        HttpContext http, Caller caller, KeyForm form, ApiKeyLists lists, UsageDays days, TimeProvider time, ProblemResult? problem)
    {
        var sent = http.Request.Query;
        var query = KeyListQuery.ReadPage(sent["state"], sent["q"], sent["cursor"], PageSize);
        var list = await lists.ReadAsync(caller.UserId, query, http.RequestAborted);
        var recent = await days.ReadByKeyAsync(caller.UserId, [.. list.Data.Select(static key => key.Id)], http.RequestAborted);
        var model = new KeyTable(
            list, recent, query, IsFirstPage: string.IsNullOrEmpty(sent["cursor"]), time.GetInstant(), form, problem);
        return SitePages.Page("API keys", new Site_KeysPage { Model = model }, caller, problem);
    }

    private static async Task<IResult> KeyPageAsync(
        Guid id, HttpContext http, Caller caller, ApiKeyLists lists, UsageDays days, TimeProvider time, ProblemResult? problem)
    {
        var key = await lists.FindAsync(caller.UserId, id, http.RequestAborted) ?? throw NoSuchKey();
        var terms = await lists.FindTermsAsync(caller.UserId, id, http.RequestAborted) ?? throw NoSuchKey();
        var recent = await days.ReadByKeyAsync(caller.UserId, [id], http.RequestAborted);
        var model = new KeyDetails(key, terms, recent.GetValueOrDefault(id), time.GetInstant(), GraceSeconds, problem);
        return SitePages.Page(key.Name, new Site_KeyPage { Model = model }, caller, problem);
    }

    private static PageResult SecretPage(Caller caller, KeyMade made) =>
        SitePages.Page("Your new API key", new Site_KeyMadePage { Model = made }, caller);

    private static int? NumberOf(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static DateTimeOffset? Refuse(FieldErrors errors, string field)
    {
        errors.Add(field, "is not one of the list.");
        return null;
    }

    private static ProblemException NoSuchKey() => new(Problems.NotFound(ProblemTexts.ApiKeyNotFound));
}
