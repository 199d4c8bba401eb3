using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Operators;

/// <summary>The pages that search for accounts, and show one account.</summary>
internal static class AccountPages
{
    public static void MapAccountPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/operator/accounts", Search);
        pages.MapGet("/operator/accounts/{id:guid}", Show);
    }

    public static string PathOf(Guid id) => $"operator/accounts/{id:D}";

    /// <summary>Shows the page again, with what is wrong with a form.</summary>
    public static async Task<IResult> PageAsync(
        HttpContext http, AccountReader reader, Guid id, string? done = null, string? form = null, ProblemResult? problem = null)
    {
        var details = await reader.ReadAsync(id, http.Operator(), http.Request.Query["keys"], http.RequestAborted)
            ?? throw new ProblemException(Problems.NotFound("There is no such account."));
        var model = details with { Done = done, Form = form, Problem = problem };
        var title = details.Facts.DeletedAt is null ? details.Facts.Email : "Deleted account";
        return OperatorPages.Page(http, title, new Operators_AccountPage { Model = model }, problem);
    }

    private static async Task<IResult> Search(HttpContext http, AccountSearch search, AcceptedKeys keys)
    {
        var (text, after) = (http.Request.Query["q"].ToString(), http.Request.Query["after"].ToString());
        if (text.Length > AccountSearch.MaxQueryLength || after.Length > AccountSearch.MaxQueryLength
            || !FieldErrors.IsPlainText(text) || !FieldErrors.IsPlainText(after))
            {
            throw new ProblemException(
                Problems.Malformed("Search for an email address, an id, the start of a key, or a Stripe customer."));
        }

        // A whole key must not stay in the browser's history.
        if (keys.IsWellFormed(text.Trim()))
            return PageUrls.SeeOther(http, $"operator/accounts?q={ApiKeyFormat.PrefixOf(text.Trim())}");
        var found = await search.FindAsync(text, after.Length == 0 ? null : after, http.RequestAborted);
        return OperatorPages.Page(http, "Accounts", new Operators_AccountsPage { Model = found });
    }

    private static async Task<IResult> Show(Guid id, HttpContext http, AccountReader reader, AcceptedKeys keys) =>
        http.Request.Query["keys"].ToString().Trim() is var typed && keys.IsWellFormed(typed)
            ? PageUrls.SeeOther(http, $"{PathOf(id)}?keys={ApiKeyFormat.PrefixOf(typed)}")
            : await PageAsync(http, reader, id, AccountForms.Said(http.Request.Query["done"]));
}
