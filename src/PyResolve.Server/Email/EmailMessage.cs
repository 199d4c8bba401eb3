namespace PyResolve.Server.Email;

/// <summary>An email to one person, in plain text.</summary>
internal sealed record EmailMessage(string To, string Subject, string Text)
{
    /// <summary>The type's name alone, so that a link never reaches a log.</summary>
    public override string ToString() => nameof(EmailMessage);
}
