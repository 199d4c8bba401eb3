using PyResolve.Server.Http;

namespace PyResolve.Server.Pages;

/// <summary>Pieces that pages share.</summary>
internal static class Views
{
    public static Html? Alert(Refusal? refusal) => refusal is null ? null : Html.Of($"""<p class="alert" role="alert">{refusal.Problem.Detail}</p>""");

    public static Html? Hidden(string name, string? value) => value is null ? null : Html.Of($"""<input type="hidden" name="{name}" value="{value}">""");

    /// <summary>A page that says in its title, its status and its alert what went wrong, if anything.</summary>
    public static PageResult Page(string title, Refusal? refusal, Html body) =>
        new(refusal is null ? title : $"Error: {title}", body, refusal?.Problem.Status ?? StatusCodes.Status200OK, refusal?.RetryAfter);
}
