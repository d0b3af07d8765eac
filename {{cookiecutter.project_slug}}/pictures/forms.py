from django import forms

from pictures.images import FORMATS, MOST_MEGABYTES, as_picture

TYPES = ",".join(f"image/{name.lower()}" for name in FORMATS)


class PictureForm(forms.Form):
    image = forms.FileField(
        label="A new picture",
        help_text=f"JPEG, PNG, WebP or GIF, up to {MOST_MEGABYTES} MB.",
        widget=forms.FileInput(attrs={"accept": TYPES}),
    )

    def clean_image(self):
        return as_picture(self.cleaned_data["image"])
