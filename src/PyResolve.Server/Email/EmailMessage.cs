namespace PyResolve.Server.Email;

internal sealed record EmailMessage(string To, string Subject, string Text)
{
    /// <summary>The type's name only, so that a link never reaches a log.</summary>
    public override string ToString() => nameof(EmailMessage);
}
