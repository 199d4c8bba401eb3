namespace PyResolve.StripeSimulator.Pages;

/// <summary>Forms that send the simulator's commands; they need no script.</summary>
internal static class CommandForms
{
    public static Html Button(string path, string text, params ReadOnlySpan<(string Name, string Value)> fields)
    {
        Html hidden = $"";
        foreach (var (name, value) in fields)
            hidden.AppendFormatted(Html.Of($"""<input type="hidden" name="{name}" value="{value}">"""));
        return $"""<form class="inline" method="post" action="/simulator/{path}">{hidden}<button class="quiet">{text}</button></form>""";
    }

    /// <param name="path">Of the command.</param>
    /// <param name="text">On the button.</param>
    /// <param name="label">Of the list, for everybody who does not see it.</param>
    /// <param name="name">The command's field.</param>
    /// <param name="choices">Its values, and what they are called.</param>
    public static Html Choice(string path, string text, string label, string name, IEnumerable<(string Value, string Text)> choices) => $"""
        <form class="choice" method="post" action="/simulator/{path}">
        <select name="{name}" aria-label="{label}">
        {Html.Join(choices.Select(static choice => Html.Of($"""<option value="{choice.Value}">{choice.Text}</option>""")))}
        </select>
        <button class="quiet">{text}</button>
        </form>
        """;
}
