using System.Globalization;
using Microsoft.AspNetCore.Html;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using RazorSlices;

namespace PyResolve.Server.Pages;

/// <summary>The base of every template: parts of pages, and links. Razor encodes each value that a template writes.</summary>
internal abstract class Template<TModel> : RazorSlice<TModel>
{
    /// <summary>The path relative to this page: the public URL may have a path of its own.</summary>
    protected string Link(string path) => PageUrls.Relative(HttpContext!, path);

    /// <summary>The product that is sold here: its name, site and support address.</summary>
    protected ProductOptions Product => HttpContext!.RequestServices.GetRequiredService<ProductOptions>();

    protected string Asset(PageAsset asset) => Link($"assets/{asset.Name}?v={asset.Version}");

    /// <summary>The value of <c>aria-current</c> for a link to this path; null on other pages.</summary>
    protected string? Current(string path) => HttpContext!.Request.Path == $"/{path}" ? "page" : null;

    protected ValueTask<HtmlString> Field(Field field) => RenderPartialAsync(new Pages_FieldPart { Model = field });

    /// <param name="shown">The fields whose errors the form shows itself.</param>
    protected ValueTask<HtmlString> Alert(ProblemResult? problem, params string[] shown) =>
        problem.SummaryWithout(shown) is { } text ? RenderPartialAsync(new Pages_AlertPart { Model = text }) : new(HtmlString.Empty);

    /// <summary>Links to other pages of a list. Nothing where the list has one page.</summary>
    protected ValueTask<HtmlString> Links(PageLinks links) => links is { Latest: null, Older: null }
        ? new(HtmlString.Empty)
        : RenderPartialAsync(new Pages_PageLinksPart { Model = links });

    protected ValueTask<HtmlString> Chart(Chart chart) => RenderPartialAsync(new Pages_ChartPart { Model = chart });

    /// <summary>Shows a sentence about what was just done; null: nothing.</summary>
    protected ValueTask<HtmlString> Status(string? text) =>
        text is null ? new(HtmlString.Empty) : RenderPartialAsync(new Pages_StatusPart { Model = text });

    /// <summary>Shows an instant in UTC, which scripts replace by the browser's time zone.</summary>
    protected ValueTask<HtmlString> Instant(DateTimeOffset instant) => RenderPartialAsync(new Pages_InstantPart { Model = instant });

    protected static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    protected static string Day(DateTimeOffset instant) => DateText.Day(instant);
}
