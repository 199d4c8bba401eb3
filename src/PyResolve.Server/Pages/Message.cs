namespace PyResolve.Server.Pages;

internal enum MessageMark
{
    None,
    Approved,
    Denied,
}

/// <summary>A page that only says something, with at most one way on.</summary>
internal sealed record Message(string Heading, string Text, MessageMark Mark = MessageMark.None)
{
    /// <summary>The way on: a path from the root, and what the link says.</summary>
    public (string Path, string Text)? Link { get; init; }

    public static PageResult Page(Message message) => new(message.Heading, new Pages_MessagePage { Model = message });
}
