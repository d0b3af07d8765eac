from django.contrib import admin

from example.models import User
from paas.accounts.admin import UserAdmin

admin.site.register(User, UserAdmin)
