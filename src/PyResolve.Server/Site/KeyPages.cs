using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

/// <summary>A new secret is the answer to the form that made it, and is on no other page; reloading it makes no second key.</summary>
internal static class KeyPages
{
    private const int PageSize = 50;

    private static readonly int[] GraceSeconds = [0, 60, 900, 3_600, 21_600, 86_400];
    private static readonly int[] LifetimeDays = [7, 30, 90, 365];

    public static void MapKeyPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/keys", List);
        pages.MapPost("/app/keys", Create);
        pages.MapGet("/app/keys/{id:guid}", Show);
        pages.MapPost("/app/keys/{id:guid}/rotate", Rotate);
        pages.MapPost("/app/keys/{id:guid}/revoke", Revoke);
    }

    private static async Task<IResult> List(HttpContext http, WebSessions web, ApiKeyLists lists, TimeProvider time) =>
        await web.FindAsync(http) is { } caller
            ? await ListPageAsync(http, caller, lists, time, name: null, problem: null)
            : SignInPages.Ask(http);

    private static async Task<IResult> Create(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys, ApiKeyLists lists, PublicUrl publicUrl, TimeProvider time)
    {
        sameOrigin.Require(http);
        if (await web.FindAsync(http) is not { } caller)
            return PageUrls.SeeOther(http, "sign-in?next=app/keys");
        var form = await FormBody.ReadAsync(http);
        var name = form.Field("name");
        var errors = new FieldErrors();
        errors.Label("name", name, ApiKeyEndpoints.MaxNameLength);
        var expiresAt = form.Field("days") switch
        {
            null => (DateTimeOffset?)null,
            var text when NumberOf(text) is { } days && LifetimeDays.Contains(days) => time.GetInstant().AddDays(days),
            _ => Refuse(errors, "days"),
        };
        if (!Guid.TryParse(form.Field("once"), out var once))
            errors.Add("once", ProblemTexts.IsRequired);
        if (errors.Problem is { } invalid)
            return await ListPageAsync(http, caller, lists, time, name, new ProblemResult(invalid));

        var wanted = new NewApiKey(
            string.IsNullOrWhiteSpace(name) ? ApiKeys.DefaultName : name.Trim(), Scopes.Default, expiresAt, RequestsPerMinute: null)
        {
            IdempotencyKey = once.ToString("D"),
        };
        var outcome = await keys.CreateAsync(caller, wanted, Origin.Of(http), http.RequestAborted);
        return outcome.Value is { } created
            ? SecretPage(caller, new KeyMade(created.Name, new Secret(created.ApiKey, publicUrl.Value), PreviousEndsAt: null))
            : await ListPageAsync(http, caller, lists, time, name, outcome.Problem);
    }

    private static async Task<IResult> Show(Guid id, HttpContext http, WebSessions web, ApiKeyLists lists, TimeProvider time) =>
        await web.FindAsync(http) is { } caller
            ? await KeyPageAsync(id, http, caller, lists, time, problem: null)
            : SignInPages.Ask(http);

    private static async Task<IResult> Rotate(
        Guid id, HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys, ApiKeyLists lists, PublicUrl publicUrl,
        TimeProvider time)
    {
        sameOrigin.Require(http);
        if (await web.FindAsync(http) is not { } caller)
            return PageUrls.SeeOther(http, "sign-in?next=app/keys");
        var form = await FormBody.ReadAsync(http);
        if (NumberOf(form.Field("grace")) is not { } grace || !GraceSeconds.Contains(grace))
            throw new ProblemException(Problems.Malformed("Choose how long the old key still works, from the list."));

        return await keys.RotateAsync(caller, id, TimeSpan.FromSeconds(grace), Origin.Of(http), http.RequestAborted) switch
        {
            RotateOutcome.Rotated { Key: var key, PreviousExpiresAt: var previous } =>
                SecretPage(caller, new KeyMade(key.Name, new Secret(key.ApiKey, publicUrl.Value), previous)),
            RotateOutcome.Ended => await KeyPageAsync(
                id, http, caller, lists, time, new ProblemResult(Problems.Conflict(ProblemTexts.KeyNotLive))),
            RotateOutcome.LimitReached reached => await KeyPageAsync(id, http, caller, lists, time, reached.Problem),
            _ => throw NoSuchKey(),
        };
    }

    private static async Task<IResult> Revoke(Guid id, HttpContext http, SameOrigin sameOrigin, WebSessions web, ApiKeys keys)
    {
        sameOrigin.Require(http);
        if (await web.FindAsync(http) is not { } caller)
            return PageUrls.SeeOther(http, "sign-in?next=app/keys");
        return await keys.RevokeAsync(caller, id, Origin.Of(http), http.RequestAborted) is RevokeOutcome.Revoked
            ? PageUrls.SeeOther(http, "app/keys")
            : throw NoSuchKey();
    }

    private static async Task<IResult> ListPageAsync(
        HttpContext http, Caller caller, ApiKeyLists lists, TimeProvider time, string? name, ProblemResult? problem)
    {
        var query = KeyListQuery.Read(http.Request.Query["state"], http.Request.Query["cursor"], limit: null) with { Limit = PageSize };
        var list = await lists.ReadAsync(caller.UserId, query, http.RequestAborted);
        var now = time.GetInstant();
        var model = new KeyTable(list, query.Listing, now, Ids.Create(now), name, LifetimeDays, problem);
        return SitePages.Page("API keys", new Site_KeysPage { Model = model }, caller, problem);
    }

    private static async Task<IResult> KeyPageAsync(
        Guid id, HttpContext http, Caller caller, ApiKeyLists lists, TimeProvider time, ProblemResult? problem)
    {
        var key = await lists.FindAsync(caller.UserId, id, http.RequestAborted) ?? throw NoSuchKey();
        var model = new KeyDetails(key, time.GetInstant(), GraceSeconds, problem);
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
